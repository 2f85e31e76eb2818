import { randomBytes } from 'node:crypto';
import type { Clock } from '../lib/clock.ts';
import type { DatabaseConnection } from './connection.ts';
import { openSession } from './connection.ts';
import { chooseAccount } from './embedded/account.ts';
import { ROLE, ensureCluster, layoutOf } from './embedded/cluster.ts';
import { chooseDeathWatch } from './embedded/death-watch.ts';
import type { DeathWatch } from './embedded/death-watch.ts';
import { findDistribution } from './embedded/distribution.ts';
import { admitFunctions, doorIn, removeDoor } from './embedded/function-door.ts';
import { install } from './embedded/installation.ts';
import { endLeftover, endOrphans } from './embedded/leftover.ts';
import { Keeper } from './embedded/keeper.ts';
import { startPostmaster, type Postmaster, type Stop } from './embedded/postmaster.ts';
import type { Host } from './embedded/program.ts';
import { socketFolder } from './embedded/socket-folder.ts';
import type { Log } from './log.ts';

/** Hearth's own state, and what belongs to the user: apart, or changes of ours would trigger functions of theirs. */
type DatabaseName = 'hearth' | 'app';

/** The bundled PostgreSQL, running. */
export interface Embedded {
  /** Of the server process now; changes when a crashed one was replaced. */
  readonly pid: number;
  /** True when this start made the data. */
  readonly created: boolean;
  connection(database: DatabaseName): DatabaseConnection;
  /** Connection string of functions, to `app` as a role of their own; null when they can't reach the server. */
  readonly functionUrl: string | null;
  /** Ends the server in order; resolves when it is gone. Safe to call twice. */
  stop(how?: Stop): Promise<void>;
}

export interface EmbeddedOptions {
  /** HEARTH_HOME, whose lock the caller holds (`lockHome`). The data lies in `postgres/` below it. */
  readonly home: string;
  readonly log: Log;
  readonly clock: Clock;
  /** Folder for the sockets of functions, which they can see; none unless given. */
  readonly runDirectory?: string;
  /** How the server is made to die with us; chosen by what the machine has unless given. */
  readonly deathWatch?: DeathWatch;
  /** Ends the start. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Starts the bundled PostgreSQL on `<home>/postgres`, made on the first call (about a second), with databases `hearth` and
 * `app`. Over a Unix socket in the data folder only. Dies with this process, and is started again when it crashes.
 * Throws HearthError ServiceUnavailable, saying why it can't run; when `signal` aborts before it does, its reason, and then it has ended.
 */
export async function startEmbedded({ home, log, clock, deathWatch, runDirectory, signal }: EmbeddedOptions): Promise<Embedded> {
  const layout = layoutOf(home);
  const account = chooseAccount(layout.data);
  const installation = install(findDistribution(), layout.lib, account);
  const host: Host = { installation, account, deathWatch: deathWatch ?? (await chooseDeathWatch()), signal };
  await endLeftover(layout.data, clock, log);
  const { password, created } = await ensureCluster(host, layout, newPassword);
  const door = runDirectory === undefined ? null : doorIn(runDirectory);
  if (runDirectory !== undefined && door === null)
    log.warn({ runDirectory }, 'its path is too long for functions to reach the database app');
  const launch = async (): Promise<Postmaster> => {
    await endOrphans(layout.data, clock, log);
    return startPostmaster(host, layout.data, { clock, log, door });
  };
  const keeper = new Keeper(launch, clock, log);
  try {
    await keeper.start();
  } catch (error) {
    if (door !== null) removeDoor(door);
    signal?.throwIfAborted(); // that is why
    throw error;
  }
  const socket = socketFolder(layout.data);
  const connection = (database: string): DatabaseConnection => ({ host: socket.path, port: 5432, user: ROLE, password, database });
  const stop = async (how: Stop = { silent: false }): Promise<void> => {
    await keeper.stop(how);
    // One that had to be killed leaves its own behind where they don't run.
    await endOrphans(layout.data, clock, log);
    socket.release();
    if (door !== null) removeDoor(door);
  };
  let functionUrl: string | null = null;
  try {
    await createDatabases(connection('postgres'));
    if (door !== null) functionUrl = await admitFunctions(connection('app'), door, newPassword());
  } catch (error) {
    await stop();
    throw error;
  }
  let stopping: Promise<void> | null = null;
  return {
    get pid() {
      return keeper.pid;
    },
    created,
    connection,
    functionUrl,
    stop: (how) => (stopping ??= stop(how)),
  };
}

function newPassword(): string {
  return randomBytes(24).toString('base64url');
}

/** Every start looks, for the first one may have been killed between the two. */
async function createDatabases(connection: DatabaseConnection): Promise<void> {
  const session = await openSession(connection, 'hearth start', () => {});
  try {
    const { rows } = await session.query<{ datname: string }>('select datname from pg_database');
    const present = new Set(rows.map((row) => row.datname));
    for (const name of ['hearth', 'app'] satisfies DatabaseName[]) {
      if (!present.has(name)) await session.query(`create database ${name}`);
    }
  } finally {
    await session.end();
  }
}
