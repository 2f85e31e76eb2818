import { readLocalKey } from '../auth/local-key.ts';
import { rename, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Config } from '../config/config.ts';
import type { Status } from '../client/answers.ts';
import { HearthClient } from '../client/client.ts';
import { HearthError } from '../errors.ts';
import type { Context } from './context.ts';
import { CliError } from './errors.ts';
import { EXIT } from './exit-codes.ts';
import { makeHome } from './home.ts';
import { refuseFewOpenFiles } from './open-files.ts';
import { isAlive, readStatusFile, removeStatusFile, type StatusFile, writeStatusFile } from './status-file.ts';
import { preferThisSession } from '../lib/session-priority.ts';

/** What of the configuration the command line may override. */
export interface ServerOptions {
  readonly home?: string | undefined;
  readonly host?: string | undefined;
  readonly port?: number | undefined;
  /** True asks for anonymous mode. */
  readonly anonymous?: boolean | undefined;
}

/** What another process knows of the server of a home. */
export interface RunningServer extends StatusFile, Pick<Status, 'running' | 'drainMs'> {}

/** A server that runs in this process, known to others by the status file of its home. */
export interface LocalServer {
  readonly endpoint: string;
  readonly home: string;
  readonly logPath: string;
  /** Invocations that run, or wait for an instance. */
  readonly running: number;
  /** Begins nothing more and waits for what runs, as long as the configuration lets it; whether all has ended. */
  drain(): Promise<boolean>;
  /** Ends it. Where a part of it could not be ended, the process goes soon afterwards. */
  close(): Promise<void>;
}

/** How long a server that is busy may take to say who it is. */
const PATIENCE_MS = 10_000;
/** What a command still says once its server has ended may take so long. */
const LAST_WORDS_MS = 500;
const LOG_BYTES = 16 * 1024 * 1024;

/** The configuration that `options` and the environment give. */
export async function configFor(context: Context, options: ServerOptions): Promise<Config> {
  const { loadConfig } = await import('../config/load.ts');
  const given = Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
  try {
    return loadConfig(context.env, given);
  } catch (error) {
    if (error instanceof HearthError) throw new CliError(error.message, { fix: 'correct that, and start it again', cause: error });
    throw error;
  }
}

/** The server that answers for `home`, if one does. */
export async function runningServer(home: string): Promise<RunningServer | null> {
  const file = await readStatusFile(home);
  if (file === null || !isAlive(file.pid)) return null;
  const client = new HearthClient(file.endpoint, readLocalKey(home));
  try {
    const { pid, running, drainMs } = await client.status(AbortSignal.timeout(PATIENCE_MS));
    return pid === file.pid ? { ...file, running, drainMs } : null;
  } catch {
    return null; // the process is there and silent, or somebody else's: the store's lock decides
  } finally {
    client.close();
  }
}

/** Throws when a server runs on the home already. */
export async function refuseSecond(home: string): Promise<void> {
  const running = await runningServer(home);
  if (running === null) return;
  throw new CliError(`Hearth is running already at ${running.endpoint} (process ${running.pid}, state in ${home})`, {
    fix: 'deploy to that one with `hearth deploy`, end it with `hearth down`, or start another with --home and --port',
    exitCode: EXIT.running,
  });
}

/**
 * Starts the server here. Its log goes to a file of the home, so that the terminal belongs to the functions. Interrupted by `signal` before it is up, or
 * kept from it by what the error names, it leaves nothing of a home that was not there before.
 */
export async function startLocalServer(context: Context, config: Config, signal: AbortSignal): Promise<LocalServer> {
  await refuseSecond(config.home);
  refuseFewOpenFiles();
  const home = await makeHome(config.home);
  preferThisSession();
  const logPath = logPathIn(config.home);
  await turnOver(logPath);
  const { createLogger } = await import('../observe/logger.ts');
  // Loaded only by the commands that run a server: its modules cost more than all of the command line.
  const { startServer } = await import('../app.ts');
  const server = await startServer({ config, log: createLogger(config.logLevel, logPath), signal }).catch(async (error: unknown) => {
    const named = signal.aborted ? interrupted() : startError(error, config);
    if (named === null) throw error;
    await home.undo();
    throw named;
  });
  const { endpoint } = server;
  const status: StatusFile = { pid: process.pid, endpoint, startedAtMs: context.clock.now() };
  await writeStatusFile(config.home, status);
  return {
    endpoint,
    home: config.home,
    logPath,
    get running() {
      return server.running;
    },
    drain: async () => {
      const drained = server.drain();
      // Who can't reach it any more is told why; where that can't be written (a full disk), it ends all the same.
      await writeStatusFile(config.home, { ...status, endsWithinMs: config.limits.drainMs }).catch(() => {});
      return drained;
    },
    close: async () => {
      const all = await server.close();
      await removeStatusFile(config.home, process.pid);
      if (!all) context.clock.after(LAST_WORDS_MS, () => process.exit());
    },
  };
}

export function logPathIn(home: string): string {
  return join(home, 'server.log');
}

/** Keeps the log of a server that is started often from growing for ever: one older file stays. */
async function turnOver(path: string): Promise<void> {
  const size = await stat(path).then(
    (info) => info.size,
    () => 0,
  );
  if (size > LOG_BYTES) await rename(path, `${path}.1`);
}

/** Ended before it was ready, at its owner's wish. */
export function interrupted(): CliError {
  return new CliError('interrupted before the server was ready: it has ended', { fix: 'start it again', exitCode: EXIT.interrupted });
}

/** What is wrong with the address or the port, in words; null for any other error. */
function startError(error: unknown, config: Config): CliError | null {
  const { code, syscall, hostname } = (error ?? {}) as NodeJS.ErrnoException & { hostname?: string };
  if (code === 'EADDRINUSE')
    return new CliError(`port ${config.port} of ${config.host} is taken`, {
      fix: 'choose another with --port',
      cause: error,
    });
  if (code === 'EACCES' && syscall === 'listen')
    return new CliError(`port ${config.port} of ${config.host} is for privileged programs`, {
      fix: 'choose one above 1023 with --port',
      cause: error,
    });
  // A name that can't be looked up may be the database's, too.
  if ((code === 'EADDRNOTAVAIL' && syscall === 'listen') || (syscall === 'getaddrinfo' && hostname === config.host))
    return new CliError(`${config.host} is no address of this machine`, {
      fix: 'name one with --host: 127.0.0.1 for this machine only, 0.0.0.0 for all networks',
      cause: error,
    });
  return null;
}
