import { hostname } from 'node:os';
import type pg from 'pg';
import { HearthError } from '../errors.ts';
import type { Clock } from '../lib/clock.ts';
import { sleep } from '../lib/sleep.ts';
import type { DatabaseConnection } from './connection.ts';
import { openSession } from './connection.ts';
import { databaseError } from './database-error.ts';
import type { Log } from './log.ts';
import { processStart } from './process-identity.ts';

/** Key of the advisory lock: `hearth` in ASCII. Locks are per database, so several Hearths may share a PostgreSQL server. */
const KEY = 0x686561727468n.toString();

/** How long a lock may be held by a server that has died before we stop waiting for the database to notice. */
const PATIENCE_MS = 5_000;
const POLL_MS = 50;
const RETRY_MS = { first: 100, last: 5_000 };

export interface ServerLockOptions {
  readonly connection: DatabaseConnection;
  readonly clock: Clock;
  readonly log: Log;
}

/**
 * The advisory lock that keeps a second server off a database, and the session that holds it. When the session is
 * lost (the database restarts) the lock is taken again as soon as it comes back; if another server was quicker, `check` throws from then on.
 */
export class ServerLock {
  readonly #options: ServerLockOptions;
  #session: pg.Client;
  #takenOver: HearthError | null = null;
  #closed = false;
  #regaining: Promise<void> | null = null;
  /** Ends the wait between two attempts. */
  #wake: () => void = () => {};

  private constructor(options: ServerLockOptions, session: pg.Client) {
    this.#options = options;
    this.#session = session;
    this.#watch(session);
  }

  /** Takes the lock; throws ResourceConflictException naming the process that has it. */
  static async take(options: ServerLockOptions): Promise<ServerLock> {
    return new ServerLock(options, await takeSession(options));
  }

  /** The session that holds the lock, for what must run under it. */
  get session(): pg.Client {
    return this.#session;
  }

  /** Throws when the lock has gone to another server: this one must not write any more. */
  check(): void {
    if (this.#takenOver !== null) throw this.#takenOver;
  }

  async release(): Promise<void> {
    this.#closed = true;
    this.#wake();
    await this.#regaining;
    await this.#session.end().catch(() => {});
  }

  #watch(session: pg.Client): void {
    session.once('end', () => {
      if (this.#closed) return;
      this.#options.log.warn({}, 'the session that holds the server lock was lost; taking the lock again');
      this.#regaining = this.#regain();
    });
  }

  async #regain(): Promise<void> {
    const { clock, log } = this.#options;
    for (let wait = RETRY_MS.first; !this.#closed; wait = Math.min(wait * 2, RETRY_MS.last)) {
      try {
        this.#session = await takeSession(this.#options);
        this.#watch(this.#session);
        return;
      } catch (error) {
        if (error instanceof HearthError && error.code === 'ResourceConflictException') {
          this.#takenOver = new HearthError(
            'ServiceUnavailable',
            `While the database was away, another server took it over: ${error.message}`,
            { cause: error },
          );
          log.error({ err: error }, 'another server has taken over the database; this one writes no more');
          return;
        }
      }
      if (this.#closed) return;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
        clock.after(wait, resolve);
      });
    }
  }
}

async function takeSession(options: ServerLockOptions): Promise<pg.Client> {
  const { connection, clock, log } = options;
  const onLost = (error: Error): void => log.debug({ err: error }, 'server lock session');
  let session: pg.Client;
  try {
    session = await openSession(connection, `hearth ${process.pid} ${hostname()}`, onLost);
  } catch (error) {
    throw databaseError(error);
  }
  try {
    // A machine that loses power says no goodbye: let the database find out in half a minute, not in two hours.
    await session.query(
      'set tcp_keepalives_idle = 10; set tcp_keepalives_interval = 5; set tcp_keepalives_count = 3; set statement_timeout = 0',
    );
    for (let waited = 0; !(await tryLock(session)); waited += POLL_MS) {
      const holder = await findHolder(session);
      if (waited >= PATIENCE_MS || (holder !== null && !isDead(holder))) throw conflict(holder);
      await sleep(clock, POLL_MS);
    }
    return session;
  } catch (error) {
    await session.end().catch(() => {});
    throw databaseError(error);
  }
}

async function tryLock(session: pg.Client): Promise<boolean> {
  const { rows } = await session.query<{ taken: boolean }>('select pg_try_advisory_lock($1) as taken', [KEY]);
  return rows[0]?.taken === true;
}

/** What the holder's session calls itself, `hearth PID HOST`; null when it has just let go. */
async function findHolder(session: pg.Client): Promise<string | null> {
  const { rows } = await session.query<{ name: string }>(
    `select a.application_name as name from pg_locks l join pg_stat_activity a using (pid)
     where l.locktype = 'advisory' and l.granted and l.objsubid = 1 and l.database = (select oid from pg_database where datname = current_database())
       and (l.classid::bigint << 32 | l.objid::bigint) = $1::bigint`,
    [KEY],
  );
  return rows[0]?.name ?? null;
}

/** Whether the holder was a process of this machine that is gone, whose session the database has yet to close. */
function isDead(holder: string): boolean {
  const [, pid, host] = holder.split(' ');
  return host === hostname() && processStart(Number(pid)) === null;
}

function conflict(holder: string | null): HearthError {
  const [, pid, host] = (holder ?? '').split(' ');
  const who = pid === undefined || host === undefined ? 'Another session' : `Another Hearth (process ${pid} on ${host})`;
  return new HearthError(
    'ResourceConflictException',
    `${who} already runs on this database. Stop it, or give this one a database of its own in DATABASE_URL.`,
    { details: { pid: Number(pid) || null } },
  );
}
