import { holdOpen } from '../../lib/hold-open.ts';
import type { Context } from '../context.ts';
import { homeOf } from '../endpoint.ts';
import { CliError } from '../errors.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import { pause } from '../pause.ts';
import { runningServer } from '../server.ts';
import { isAlive, readStatusFile, removeStatusFile } from '../status-file.ts';

export interface DownOptions {
  readonly home?: string;
  readonly json?: boolean;
}

/** How long a server may take to end its instances and its database. */
const PATIENCE_MS = 30_000;

/** `hearth down`: ends the server of this home and waits until it has ended. None running is fine too. */
export async function down(context: Context, options: DownOptions): Promise<ExitCode> {
  const home = homeOf(options.home === undefined ? context.env : { HEARTH_HOME: options.home });
  const file = await readStatusFile(home);
  if (file === null || !isAlive(file.pid)) {
    if (file !== null) await removeStatusFile(home, file.pid);
    return done(context, options, null);
  }
  if ((await runningServer(home)) === null) {
    throw new CliError(`process ${file.pid} does not answer at ${file.endpoint}; it may be another program by now`, {
      fix: `look with \`ps -p ${file.pid}\`; if it is Hearth, end it with \`kill ${file.pid}\``,
      exitCode: EXIT.unreachable,
    });
  }
  process.kill(file.pid, 'SIGTERM');
  const held = holdOpen();
  const until = context.clock.monotonic() + PATIENCE_MS;
  while (isAlive(file.pid) && context.clock.monotonic() < until) await pause(context.clock, 20);
  held.release();
  if (isAlive(file.pid))
    throw new CliError(`process ${file.pid} is still ending after ${PATIENCE_MS / 1_000} s`, {
      fix: `kill -9 ${file.pid}`,
      exitCode: EXIT.serverError,
    });
  return done(context, options, file.pid);
}

function done({ out }: Context, options: DownOptions, pid: number | null): ExitCode {
  if (options.json) out.json({ ended: pid });
  else out.note(pid === null ? 'Hearth is not running' : `Hearth (process ${pid}) has ended`);
  return EXIT.ok;
}
