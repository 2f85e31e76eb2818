import type { ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
import { HearthError } from '../../errors.ts';
import type { Clock } from '../../lib/clock.ts';
import type { Log } from '../log.ts';
import { prepareDoor } from './function-door.ts';
import { cannotRun, endOnAbort, folderArgument, startProgram } from './program.ts';
import type { Host } from './program.ts';
import { serverArguments } from './settings.ts';

/** How long a server has to end: after SIGINT (sessions are closed), then after SIGQUIT (nothing is written). */
const STOP_MS = 10_000;
const QUIT_MS = 3_000;
/** How long what it said last may take to arrive once it has ended. */
const LAST_WORDS_MS = 500;

/** A running PostgreSQL server. */
export interface Postmaster {
  readonly pid: number;
  /** Resolves when the process has ended, with how. */
  readonly exited: Promise<string>;
  /** Ends it in order; resolves when it is gone. */
  stop(clock: Clock, how: Stop): Promise<void>;
}

/** How a server is ended. */
export interface Stop {
  /** It has not answered: it is not waited for until it has ended its sessions. */
  readonly silent: boolean;
}

export interface PostmasterOptions {
  readonly clock: Clock;
  readonly log: Log;
  /** Folder of a second socket, made anew; null: none. */
  readonly door: string | null;
}

/** Starts the server on `data` and resolves when it takes connections, which it announces on stderr. */
export async function startPostmaster(host: Host, data: string, { clock, log, door }: PostmasterOptions): Promise<Postmaster> {
  const folder = folderArgument(data);
  if (door !== null) prepareDoor(door, host.account);
  const sockets = door === null ? folder : `${folder}, "${door}"`;
  const child = startProgram(host, data, ['postgres', '-D', folder, '-c', `unix_socket_directories=${sockets}`, ...serverArguments()]);
  const exited = new Promise<string>((resolve) => {
    child.once('error', () => resolve('it could not be run'));
    child.once('close', (code, signal) => resolve(signal ?? `exit code ${code}`));
    // A session that outlives it, because it computes, keeps its stderr open.
    child.once('exit', (code, signal) => clock.after(LAST_WORDS_MS, () => resolve(signal ?? `exit code ${code}`)));
  });
  const health: Health = { recovering: true };
  const running: Running = { child, exited, health };
  const postmaster: Postmaster = {
    pid: child.pid ?? 0,
    exited,
    stop: (clock, { silent }) => stop(running, { clock, patienceMs: silent ? 0 : STOP_MS }),
  };
  const release = endOnAbort(child, host.signal);
  await announced(running, data, log).finally(release);
  return postmaster;
}

/** A server's process, and what it said of itself. */
interface Running {
  readonly child: ChildProcess;
  readonly exited: Promise<string>;
  readonly health: Health;
}

/** `recovering`: from its start, or from the death of one of its processes, until it takes connections. */
interface Health {
  recovering: boolean;
}

const READY = 'database system is ready to accept connections';
const CRASHED = 'terminating any other active server processes';

async function announced({ child, exited, health }: Running, data: string, log: Log): Promise<void> {
  const last: string[] = [];
  await new Promise<void>((resolve, reject) => {
    child.once('error', (error) => reject(cannotRun('postgres', error)));
    if (child.stderr === null) throw new TypeError('started without a pipe for stderr');
    createInterface({ input: child.stderr }).on('line', (line) => {
      if (last.push(line) > 8) last.shift();
      passOn(line, log);
      if (line.includes(CRASHED)) health.recovering = true;
      if (!line.includes(READY)) return;
      health.recovering = false;
      resolve();
    });
    void exited.then((how) => reject(notStarted(how, last, data)));
  });
}

/** Of a server that ended before it took connections, by the lines it said last. Who is only short of room must not be told to part with the data. */
export function notStarted(how: string, last: readonly string[], data: string): HearthError {
  const said = last.join(' | ');
  const fix = NO_ROOM.test(said)
    ? 'The disk is full: make room and start again; nothing is lost.'
    : 'If the data is damaged, put back a backup, or move the folder away to begin anew.';
  return new HearthError('ServiceUnavailable', `PostgreSQL did not start on ${data} (${how}): ${said}. ${fix}`);
}

/** With the C locale that it is started with. */
const NO_ROOM = /No space left on device|Disk quota exceeded|Check free disk space/;

/** An ERROR is the answer to a query, and its sender's to report: a name that is taken is one. */
function passOn(line: string, log: Log): void {
  if (/^(FATAL|PANIC):/.test(line)) log.warn({ postgres: line }, 'the database reports an error');
  else log.debug({ line }, 'database');
}

/** One that recovers takes no notice of being told to end in order, and has nothing to lose: the next start recovers. */
async function stop(
  { child, exited, health }: Running,
  { clock, patienceMs }: { readonly clock: Clock; readonly patienceMs: number },
): Promise<void> {
  const timers = [clock.after(patienceMs, () => child.kill('SIGQUIT')), clock.after(patienceMs + QUIT_MS, () => child.kill('SIGKILL'))];
  child.kill(health.recovering ? 'SIGQUIT' : 'SIGINT');
  await exited;
  for (const timer of timers) timer.cancel();
}
