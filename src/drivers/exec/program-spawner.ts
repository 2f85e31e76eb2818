import { join } from 'node:path';
import type { Program, ProgramOrder, Spawner } from './spawner.ts';
import { HearthError } from '../../errors.ts';
import type { Clock } from '../../lib/clock.ts';
import { deferred, type Deferred } from '../../lib/deferred.ts';
import type { Ids } from '../../lib/ids.ts';
import type { ExitStatus } from '../../model/instance.ts';
import { SupervisorClient } from '../../supervisor/client.ts';
import { listenForOutputs } from '../../supervisor/program-outputs.ts';

/** The supervisor has connected a program's outputs before it starts it: only a server that can't accept them, for want of descriptors, waits. */
const CONNECT_MS = 10_000;

export interface ProgramSpawnerOptions {
  readonly clock: Clock;
  readonly ids: Ids;
  /** Where the sockets of programs' outputs lie while they are being connected; exists. */
  readonly runDirectory: string;
  warn(message: string): void;
}

/** Starts custom runtimes under a supervisor, so that they end with the server like everything else; unconfined, where they can't be. */
export function programSpawner(options: ProgramSpawnerOptions): Spawner & { close(): Promise<void> } {
  const exits = new Map<number, Deferred<ExitStatus>>();
  const exitOf = (pid: number): Deferred<ExitStatus> => {
    let exit = exits.get(pid);
    if (exit === undefined) exits.set(pid, (exit = deferred<ExitStatus>()));
    return exit;
  };
  let spawning = 0;
  const supervisor = new SupervisorClient(options.clock, {
    exited(pid, status) {
      // Also told of what programs left behind: that concerns nobody here.
      if (spawning > 0 || exits.has(pid)) exitOf(pid).resolve(status);
    },
    lost: (reason) => options.warn(`the supervisor of custom runtimes died (${reason}); their instances were ended`),
    degraded: (reason) => options.warn(reason),
  });
  return {
    async spawn(order: ProgramOrder): Promise<Program> {
      const outputs = await listenForOutputs(join(options.runDirectory, `out-${options.ids.uuid().slice(0, 13)}`), null); // the supervisor connects
      spawning++;
      try {
        // The exit may be told before the answer with the pid has been waited for: whoever comes first makes the promise.
        const { argv, env, cwd } = order;
        const pid = await supervisor.spawn({ argv, env, cwd, output: { socket: outputs.path }, ids: null }).catch(asSystemError);
        const exited = exitOf(pid).promise;
        void exited.then(() => exits.delete(pid));
        const connected = await outputs.connected(options.clock, CONNECT_MS);
        if (connected === null) {
          await supervisor.kill(pid);
          throw new HearthError('ServiceException', `${argv[0]}: its outputs could not be connected`);
        }
        const [stdout, stderr] = connected;
        return { pid, uid: null, stdout, stderr, exited };
      } finally {
        spawning--;
        await outputs.close();
      }
    },
    killTree: (pid) => supervisor.kill(pid),
    close: () => supervisor.close(),
  };
}

/** What the system said, where it did: a bootstrap that can't be executed is the function's doing. */
function asSystemError(error: unknown): never {
  const { cause } = error as Error;
  throw cause !== undefined && typeof (cause as NodeJS.ErrnoException).code === 'string' ? cause : error;
}
