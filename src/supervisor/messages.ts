import type { ExitStatus } from '../model/instance.ts';

/** What to start: a program in a session of its own, with nothing of the supervisor's but what is said here. */
export interface SpawnOrder {
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
  /** Where stdout and stderr go; null: nowhere. */
  readonly output: Output | null;
  /** Started as this user and group; null: the supervisor's own. */
  readonly ids: { readonly uid: number; readonly gid: number } | null;
}

/** `file`: both, made anew with mode 0600. `socket`: the path of a listening Unix socket, connected to twice, first for stdout, then for stderr. */
export type Output = { readonly file: string } | { readonly socket: string };

/** Server to supervisor, a JSON object a line. */
export type Request =
  | { readonly op: 'spawn'; readonly id: number; readonly order: SpawnOrder }
  /** Kill a process and all it started, sparing other adopted processes and theirs; answered when they are gone. Another process that has the pid by now is left alone. */
  | { readonly op: 'kill'; readonly id: number; readonly pid: number; readonly startTime: string }
  /** The process is one of ours: no orphan, should it lose its parent. */
  | { readonly op: 'adopt'; readonly pid: number }
  /** The process has ended, somebody else reaped it: look after what it may have left. */
  | { readonly op: 'forget'; readonly pid: number }
  /** Let the process and all its threads run on every CPU. */
  | { readonly op: 'unpin'; readonly pid: number };

/** Supervisor to server, a JSON object a line. The first is `ready` or `unfit`. */
export type Reply =
  | { readonly event: 'ready' }
  /** It can't do its work here and exits. */
  | { readonly event: 'unfit'; readonly reason: string }
  | { readonly event: 'spawned'; readonly id: number; readonly pid: number }
  | { readonly event: 'failed'; readonly id: number; readonly reason: string; /** The system's: `ENOENT`. */ readonly code: string | null }
  | { readonly event: 'killed'; readonly id: number }
  /** It reaped the process. */
  | ({ readonly event: 'exited'; readonly pid: number } & ExitStatus);

/** Splits a stream of text into its lines; `onLine` gets each that is not empty, without its newline. */
export function lines(onLine: (line: string) => void): (chunk: string) => void {
  let rest = '';
  return (chunk) => {
    const parts = (rest + chunk).split('\n');
    rest = parts.pop()!;
    for (const part of parts) if (part !== '') onLine(part);
  };
}
