import { spawn } from 'node:child_process';
import type { ExitStatus } from '../../model/instance.ts';
import { signalTree } from './process-tree.ts';
import type { Program, ProgramOrder, Spawner } from './spawner.ts';

/** Starts programs as children of this very process: for tests, and where there is no supervisor. */
export class PlainSpawner implements Spawner {
  readonly #running = new Map<number, Promise<ExitStatus>>();

  spawn(order: ProgramOrder): Promise<Program> {
    return new Promise((resolve, reject) => {
      const [file, ...rest] = order.argv;
      const child = spawn(file, rest, { cwd: order.cwd, env: { ...order.env }, detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
      child.once('error', reject);
      child.once('spawn', () => {
        const pid = child.pid as number;
        const exited = new Promise<ExitStatus>((done) => child.once('exit', (code, signal) => done({ code, signal })));
        this.#running.set(pid, exited);
        void exited.then(() => this.#running.delete(pid));
        resolve({ pid, stdout: child.stdout, stderr: child.stderr, exited });
      });
    });
  }

  async killTree(pid: number): Promise<void> {
    const exited = this.#running.get(pid);
    if (exited === undefined) {
      signalGroup(pid); // what it left in its group; the group's number is not given anew while a member lives
      return;
    }
    // Stopped first, so that nobody forks while the others die.
    signalTree(pid, 'SIGSTOP');
    signalTree(pid, 'SIGKILL');
    signalGroup(pid);
    await exited;
  }
}

function signalGroup(pid: number): void {
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // nobody is left in it
  }
}
