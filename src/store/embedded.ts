import { randomBytes } from 'node:crypto';
import type { Clock, Timer } from '../lib/clock.ts';
import type { DatabaseConnection } from './connection.ts';
import { openSession } from './connection.ts';
import { chooseAccount } from './embedded/account.ts';
import { ROLE, ensureCluster, layoutOf } from './embedded/cluster.ts';
import { chooseDeathWatch } from './embedded/death-watch.ts';
import type { DeathWatch } from './embedded/death-watch.ts';
import { findDistribution } from './embedded/distribution.ts';
import { install } from './embedded/installation.ts';
import { endLeftover } from './embedded/leftover.ts';
import { startPostmaster } from './embedded/postmaster.ts';
import type { Postmaster } from './embedded/postmaster.ts';
import type { Host } from './embedded/program.ts';
import { socketFolder } from './embedded/socket-folder.ts';
import type { Log } from './log.ts';

/** Hearth's own state, and what belongs to the user: apart, or changes of ours would trigger functions of theirs. */
export type DatabaseName = 'hearth' | 'app';

/** The bundled PostgreSQL, running. */
export interface Embedded {
  /** Of the server process now; changes when a crashed one was replaced. */
  readonly pid: number;
  /** True when this start made the data. */
  readonly created: boolean;
  connection(database: DatabaseName): DatabaseConnection;
  /** Ends the server in order; resolves when it is gone. Safe to call twice. */
  stop(): Promise<void>;
}

export interface EmbeddedOptions {
  /** HEARTH_HOME, whose lock the caller holds (`lockHome`). The data lies in `postgres/` below it. */
  readonly home: string;
  readonly log: Log;
  readonly clock: Clock;
  /** How the server is made to die with us; chosen by what the machine has unless given. */
  readonly deathWatch?: DeathWatch;
}

/** Waits before a crashed server is started again, doubling up to the last. */
const RESTART_MS = { first: 100, last: 10_000 };

/**
 * Starts the bundled PostgreSQL on `<home>/postgres`, made on the first call (about a second), with databases `hearth` and
 * `app`. Over a Unix socket in the data folder only. Dies with this process, and is started again when it crashes.
 * Throws HearthError ServiceUnavailable, saying why it can't run.
 */
export async function startEmbedded({ home, log, clock, deathWatch }: EmbeddedOptions): Promise<Embedded> {
  const layout = layoutOf(home);
  const account = chooseAccount(layout.data);
  const installation = install(findDistribution(), layout.lib, account);
  const host: Host = { installation, account, deathWatch: deathWatch ?? (await chooseDeathWatch()) };
  await endLeftover(layout.data, clock, log);
  const { password, created } = await ensureCluster(host, layout, () => randomBytes(24).toString('base64url'));
  const keeper = new Keeper(() => startPostmaster(host, layout.data, log), clock, log);
  await keeper.start();
  const socket = socketFolder(layout.data);
  const connection = (database: string): DatabaseConnection => ({ host: socket.path, port: 5432, user: ROLE, password, database });
  const stop = async (): Promise<void> => {
    await keeper.stop();
    socket.release();
  };
  try {
    await createDatabases(connection('postgres'));
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
    stop: () => (stopping ??= stop()),
  };
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

/** Keeps one server running until it is told to stop. */
class Keeper {
  readonly #launch: () => Promise<Postmaster>;
  readonly #clock: Clock;
  readonly #log: Log;
  #server: Postmaster | null = null;
  #starting: Promise<void> | null = null;
  #retry: Timer | null = null;
  #stopped = false;

  constructor(launch: () => Promise<Postmaster>, clock: Clock, log: Log) {
    this.#launch = launch;
    this.#clock = clock;
    this.#log = log;
  }

  get pid(): number {
    return this.#server?.pid ?? 0;
  }

  async start(): Promise<void> {
    const server = await this.#launch();
    this.#server = server;
    void server.exited.then((how) => {
      this.#server = null;
      if (this.#stopped) return;
      this.#log.error({ pid: server.pid, how }, 'the database ended unexpectedly; starting it again');
      this.#startAfter(RESTART_MS.first);
    });
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#retry?.cancel();
    await this.#starting;
    await this.#server?.stop(this.#clock);
  }

  #startAfter(ms: number): void {
    this.#retry = this.#clock.after(ms, () => {
      this.#starting = this.start().catch((error: unknown) => {
        this.#log.error({ err: error }, 'the database could not be started again; trying on');
        if (!this.#stopped) this.#startAfter(Math.min(ms * 2, RESTART_MS.last));
      });
    });
  }
}
