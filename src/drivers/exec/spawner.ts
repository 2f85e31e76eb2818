import type { Readable } from 'node:stream';
import type { StartSpec } from '../../fleet/driver.ts';
import type { ExitStatus } from '../../model/instance.ts';

/** A program to start, in a session of its own. */
export interface ProgramOrder {
  readonly argv: readonly [string, ...string[]];
  /** The complete environment. */
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
  /** Whose it is: decides how it is confined. */
  readonly spec: StartSpec;
  readonly instanceId: string;
  /** The instance whose loopback it shares, where that is not its own id. */
  readonly loopbackOf?: string;
}

/** A started program. */
export interface Program {
  readonly pid: number;
  /** The user it runs as, its function's alone; null: the server's own, as all others. */
  readonly uid: number | null;
  readonly stdout: Readable;
  readonly stderr: Readable;
  /** Settles when the program itself has ended; what it started may live on. */
  readonly exited: Promise<ExitStatus>;
}

/** Starts and ends programs; the supervisor's part that this driver needs. */
export interface Spawner {
  /** Rejects with the system's error (`ENOENT`, `EACCES`, `ENOEXEC`) when the program can't be executed. */
  spawn(order: ProgramOrder): Promise<Program>;
  /** Kills a program and everything it started; resolves when it is gone. Idempotent. */
  killTree(pid: number): Promise<void>;
}
