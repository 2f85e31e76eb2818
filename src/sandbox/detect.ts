import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { systemClock } from '../lib/clock.ts';
import type { Abilities } from './abilities.ts';
import { idRange } from './ids.ts';

/** What detection asks the machine; an argument, so that a test can make one up. */
export interface Probe {
  readonly platform: string;
  readonly uid: number;
  /** A file's text, or null. */
  read(path: string): string | null;
  /** Runs a program as a user (null: our own); null when it ended well, else what it said. */
  run(argv: readonly string[], uid: number | null): Promise<string | null>;
  /** Tries to make a loopback for instances; null when that went well, else what was in the way. */
  loopbacks(): Promise<string | null>;
}

/** This machine. */
export const machineProbe: Probe = {
  platform: process.platform,
  uid: process.getuid?.() ?? -1,
  read(path) {
    try {
      return readFileSync(path, 'utf8');
    } catch {
      return null;
    }
  },
  run: ([program, ...args], uid) =>
    new Promise((resolve) => {
      const as = uid === null ? {} : { uid, gid: uid };
      const env = { PATH: '/usr/sbin:/usr/bin:/sbin:/bin' };
      execFile(program!, args, { ...as, env, cwd: '/', timeout: 10_000 }, (error, _out, err) =>
        resolve(error === null ? null : err.trim() || error.message),
      );
    }),
  async loopbacks() {
    const { noLoopbacks } = await import('./loopback/loopbacks.ts');
    return noLoopbacks(systemClock);
  },
};

/** Finds out by trying, once: what a kernel allows on paper, a container or a security module may still refuse. */
export async function detect(probe: Probe = machineProbe): Promise<Abilities> {
  const root = probe.uid === 0;
  const allCpus = cpuList(/^Cpus_allowed_list:\s*(\S+)/m.exec(probe.read('/proc/self/status') ?? '')?.[1]);
  if (probe.platform !== 'linux')
    return {
      linux: false,
      root,
      noMounts: 'needs Linux',
      noUserNamespaces: 'needs Linux',
      noLoopbacks: 'needs Linux',
      ids: null,
      cpus: allCpus,
    };
  const ids = root ? idRange(probe.read('/proc/self/uid_map') ?? '') : null;
  const tryMount = 'mount -t tmpfs -o size=1m none /tmp';
  const [mounts, users, loopbacks] = await Promise.all([
    root ? probe.run(['unshare', '-m', '-i', '-u', 'sh', '-c', tryMount], null) : 'the server is not root',
    // As the user a function will be: root may be allowed what that one is not.
    probe.run(['unshare', '-U', '-r', '-m', '-i', '-u', 'sh', '-c', tryMount], ids?.base ?? null),
    root ? probe.loopbacks() : 'the server is not root',
  ]);
  const say = (what: string, failure: string | null): string | null => (failure === null ? null : `${what}: ${failure}`);
  return {
    linux: true,
    root,
    noMounts: say('no mount namespace', mounts),
    noUserNamespaces: say(hint(probe), users),
    noLoopbacks: loopbacks,
    ids,
    cpus: allCpus,
  };
}

/** The usual reasons, by the switch that undoes them. */
function hint(probe: Probe): string {
  const is = (path: string, value: string): boolean => probe.read(path)?.trim() === value;
  if (is('/proc/sys/kernel/unprivileged_userns_clone', '0'))
    return 'no user namespaces (sysctl kernel.unprivileged_userns_clone=1 allows them)';
  if (is('/proc/sys/kernel/apparmor_restrict_unprivileged_userns', '1'))
    return 'no user namespaces (sysctl kernel.apparmor_restrict_unprivileged_userns=0 allows them)';
  if (is('/proc/sys/user/max_user_namespaces', '0')) return 'no user namespaces (sysctl user.max_user_namespaces allows them)';
  return 'no user namespaces';
}

/** `0-2,5` as numbers; every CPU when there is no such list. */
function cpuList(list: string | undefined): number[] {
  if (list === undefined) return cpus().map((_, i) => i);
  return list.split(',').flatMap((range) => {
    const [from, to] = range.split('-').map(Number);
    return Array.from({ length: (to ?? from!) - from! + 1 }, (_, i) => from! + i);
  });
}
