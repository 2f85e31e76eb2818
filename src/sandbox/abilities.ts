/** User ids that Hearth may give to functions here. */
export interface IdRange {
  readonly base: number;
  readonly count: number;
}

/** What this machine lets Hearth do to confine a process. A reason is a sentence for whoever runs the machine; null: it works. */
export interface Abilities {
  readonly linux: boolean;
  readonly root: boolean;
  /** Why a process of ours can't have its own mounts, IPC objects and host name by privilege alone; null: it can. */
  readonly noMounts: string | null;
  /** Why an unprivileged process can't make a user namespace, and with it mounts of its own; null: it can. */
  readonly noUserNamespaces: string | null;
  /** Why an instance can't have a loopback of its own; null: it can. */
  readonly noLoopbacks: string | null;
  /** Where user ids for functions are taken from; null: all run as the server's own user. */
  readonly ids: IdRange | null;
  /** CPUs the server may use. */
  readonly cpus: readonly number[];
}

/** One mechanism of the sandbox, whether it is active here, and if not, why not. */
export interface MechanismReport {
  readonly mechanism: string;
  readonly active: boolean;
  readonly reason: string | null;
}

/** What is active on this machine, in words, for `hearth` to say at start. `gaps`: what processes turned out to lack of it all the same, each a sentence. */
export function report(a: Abilities, gaps: readonly string[] = []): MechanismReport[] {
  const line = (mechanism: string, reason: string | null): MechanismReport => ({ mechanism, active: reason === null, reason });
  const linux = a.linux ? null : 'needs Linux';
  const mounts = linux ?? (a.root ? a.noMounts : a.noUserNamespaces);
  return [
    line('own session, whole-tree kill', linux),
    line('resource limits', linux),
    line(
      'own user per function',
      linux ?? (a.root ? (a.ids === null ? 'no user ids are mapped for functions here' : null) : 'the server is not root'),
    ),
    line('no new privileges, no capabilities', linux),
    line('private /tmp per function', mounts),
    line('private /tmp per instance', linux ?? a.noUserNamespaces),
    line('own IPC objects and host name', mounts),
    line('own loopback per instance that is not forked', linux ?? (a.root ? a.noLoopbacks : 'the server is not root')),
    ...gaps.map((gap) => line('all of this in every process', gap)),
  ];
}
