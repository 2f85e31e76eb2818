import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { HearthError } from '../errors.ts';
import type { ExitStatus } from '../model/instance.ts';
import type { SpawnOrder } from './messages.ts';
import { openOutput } from './output.ts';

/**
 * What is left where there is no supervisor (not Linux, or koffi can't be loaded): children of the server, each leading a group.
 * What leaves its group is not found again, and a server that is killed leaves it to the shims to notice.
 */
export class PlainGroups {
  readonly #exited: (pid: number, status: ExitStatus) => void;
  readonly #children = new Map<number, ChildProcess>();

  constructor(events: { exited(pid: number, status: ExitStatus): void }) {
    this.#exited = (pid, status) => events.exited(pid, status);
  }

  async spawn({ argv, env, cwd, output, ids }: SpawnOrder): Promise<number> {
    const { stdout, stderr, close } = await openOutput(output);
    return new Promise((resolve, reject) => {
      const child = spawn(argv[0]!, argv.slice(1), { env, cwd, detached: true, stdio: ['ignore', stdout, stderr], ...ids });
      close();
      const { pid } = child;
      child.once('error', (error) =>
        reject(new HearthError('ServiceException', `could not start a process: ${error.message}`, { cause: error })),
      );
      if (pid === undefined) return;
      this.#children.set(pid, child);
      child.once('exit', (code, signal) => {
        this.#children.delete(pid);
        this.#signalGroup(pid); // what it left in its group
        this.#exited(pid, { code, signal });
      });
      resolve(pid);
    });
  }

  async kill(pid: number): Promise<void> {
    const child = this.#children.get(pid);
    if (child === undefined) return;
    const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()));
    this.#signalGroup(pid);
    await exited;
  }

  async close(): Promise<void> {
    await Promise.all([...this.#children.keys()].map((pid) => this.kill(pid)));
  }

  #signalGroup(pid: number): void {
    try {
      process.kill(-pid, 'SIGKILL');
    } catch {
      // the group is empty
    }
  }
}
