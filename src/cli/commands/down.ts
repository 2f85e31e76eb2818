import { access, constants } from 'node:fs/promises';
import { holdOpen } from '../../lib/hold-open.ts';
import type { Context } from '../context.ts';
import { homeOf } from '../endpoint.ts';
import { CliError } from '../errors.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import { pause } from '../pause.ts';
import { count, duration } from '../format.ts';
import { type RunningServer, runningServer } from '../server.ts';
import { isAlive, pathIn, readStatusFile, removeStatusFile, type StatusFile } from '../status-file.ts';

export interface DownOptions {
  readonly home?: string;
  readonly json?: boolean;
}

/** How long a server may take to end its instances and its database, beside the time that it gives what runs. */
const PATIENCE_MS = 60_000;

/** `hearth down`: ends the server of this home and waits until it has ended. None running is fine too. */
export async function down(context: Context, options: DownOptions): Promise<ExitCode> {
  const home = homeOf(options.home === undefined ? context.env : { HEARTH_HOME: options.home });
  await mayBeKnown(home);
  let file = await readStatusFile(home);
  if (file === null || !isAlive(file.pid)) {
    if (file !== null) await removeStatusFile(home, file.pid);
    return done(context, options, { home, pid: null });
  }
  const server = await runningServer(home);
  // It may have begun to end at this moment.
  if (server === null) file = (await readStatusFile(home)) ?? file;
  if (server === null && file.endsWithinMs === undefined && isAlive(file.pid)) throw silent(file);
  if (server === null) context.out.note(`Hearth (process ${file.pid}) is ending already; \`kill ${file.pid}\` ends it at once`);
  else {
    if (server.running > 0 && server.drainMs > 0) context.out.note(waitsFor(server));
    process.kill(file.pid, 'SIGTERM');
  }
  const patienceMs = PATIENCE_MS + (server?.drainMs ?? file.endsWithinMs ?? 0);
  if (!(await hasEnded(context, file.pid, patienceMs))) {
    if (server === null) throw silent(file);
    throw new CliError(`process ${file.pid} is still ending after ${duration(patienceMs)}`, {
      fix: `kill -9 ${file.pid}`,
      exitCode: EXIT.serverError,
    });
  }
  return done(context, options, { home, pid: file.pid });
}

/** Throws where another user's server may run: who may not look can't say that there is none. */
async function mayBeKnown(home: string): Promise<void> {
  const path = pathIn(home);
  await access(path, constants.R_OK).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EACCES') return;
    throw new CliError(`can't tell whether a server runs: ${error.message}`, {
      fix: 'end it as the user who started it, or name another home with --home',
      cause: error,
    });
  });
}

/** Waits for the end of a process, at most so long; whether it has ended. */
async function hasEnded({ clock }: Context, pid: number, withinMs: number): Promise<boolean> {
  const held = holdOpen();
  const until = clock.monotonic() + withinMs;
  while (isAlive(pid) && clock.monotonic() < until) await pause(clock, 20);
  held.release();
  return !isAlive(pid);
}

function silent({ pid, endpoint }: StatusFile): CliError {
  return new CliError(`process ${pid} does not answer at ${endpoint}; it may be another program by now`, {
    fix: `look with \`ps -p ${pid}\`; if it is Hearth, end it with \`kill ${pid}\``,
    exitCode: EXIT.unreachable,
  });
}

function waitsFor({ pid, running, drainMs }: RunningServer): string {
  return `${count(running, 'invocation')} may take up to ${duration(drainMs)} to end; \`kill ${pid}\` ends them at once`;
}

function done({ out }: Context, options: DownOptions, { home, pid }: { home: string; pid: number | null }): ExitCode {
  if (options.json) out.json({ ended: pid });
  else out.note(pid === null ? `Hearth is not running (state in ${home})` : `Hearth (process ${pid}) has ended`);
  return EXIT.ok;
}
