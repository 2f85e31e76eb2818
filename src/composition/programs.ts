import type { Program, ProgramOrder, Spawner } from '../drivers/exec/spawner.ts';
import type { ForkDriver } from '../drivers/fork/fork-driver.ts';

const UNCONFINED = 'custom runtimes run unconfined here, as the server’s own user: no process can be forked that would confine them';

/** Starts custom runtimes confined, or plainly on a machine where nothing can be forked. */
export function confinedPrograms(fork: ForkDriver, plain: Spawner, warn: (message: string) => void): Spawner {
  let warned = false;
  return {
    async spawn(order: ProgramOrder): Promise<Program> {
      const confined = await fork.programs.spawn(order);
      if (confined !== null) return confined;
      if (!warned) warn(UNCONFINED);
      warned = true;
      return plain.spawn(order);
    },
    // Neither has anything to do for a process that is not its own.
    async killTree(pid: number): Promise<void> {
      await Promise.all([fork.programs.killTree(pid), plain.killTree(pid)]);
    },
  };
}
