import { join } from 'node:path';
import type { Program, ProgramOrder, Spawner } from './spawner.ts';
import { HearthError } from '../../errors.ts';
import type { Clock } from '../../lib/clock.ts';
import type { Ids } from '../../lib/ids.ts';
import { SupervisorClient, type SupervisionEvents } from '../../supervisor/client.ts';
import { ExitBoard } from '../../supervisor/exit-board.ts';
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

/** What it needs of a supervisor. */
type Supervises = (events: SupervisionEvents) => Pick<SupervisorClient, 'spawn' | 'kill' | 'close'>;

/** Starts custom runtimes under a supervisor, so that they end with the server like everything else; unconfined, where they can't be. */
export function programSpawner(
  options: ProgramSpawnerOptions,
  supervises: Supervises = (events) => new SupervisorClient(options.clock, events),
): Spawner & { close(): Promise<void> } {
  const exits = new ExitBoard(options.clock);
  const supervisor = supervises({
    exited: (pid, status) => exits.report(pid, status), // also of what programs left behind, which nobody expects
    lost: (reason) => options.warn(`the supervisor of custom runtimes died (${reason}); their instances were ended`),
    degraded: (reason) => options.warn(reason),
  });
  return {
    async spawn(order: ProgramOrder): Promise<Program> {
      const outputs = await listenForOutputs(join(options.runDirectory, `out-${options.ids.uuid().slice(0, 13)}`), null); // the supervisor connects
      try {
        const { argv, env, cwd } = order;
        const pid = await supervisor.spawn({ argv, env, cwd, output: { socket: outputs.path }, ids: null }).catch(asSystemError);
        const exited = exits.expect(pid);
        const connected = await outputs.connected(options.clock, CONNECT_MS);
        if (connected === null) {
          await supervisor.kill(pid);
          throw new HearthError('ServiceException', `${argv[0]}: its outputs could not be connected`);
        }
        const [stdout, stderr] = connected;
        return { pid, uid: null, stdout, stderr, exited };
      } finally {
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
