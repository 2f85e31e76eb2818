import { Client, Pool, type PoolClient } from 'pg';
import { databaseError } from './database-error.ts';
import type { Log } from './log.ts';

/** How to reach one database: over a Unix socket (`host` is its folder), or by URL. */
export type DatabaseConnection =
  | { readonly connectionString: string }
  | {
      readonly host: string;
      readonly port: number;
      readonly user: string;
      readonly password: string;
      readonly database: string;
    };

/** A connection attempt that takes longer has failed. */
const CONNECT_MS = 5_000;

export interface PoolSettings {
  /** Commits do not wait for the disk: for what is done again when it is lost. */
  readonly commitAsync?: boolean;
  /** For the few statements of a queue, always the same and always of few rows: they are planned once a session, and by their indexes. */
  readonly queueing?: boolean;
}

/**
 * Planning a statement of the ledger takes longer than running it, so it is done once. Such a plan outlives what it was made for (a table that was
 * empty then), so it may not read whole tables.
 */
const QUEUEING = ['plan_cache_mode=force_generic_plan', 'enable_seqscan=off', 'enable_hashjoin=off', 'enable_mergejoin=off'];

/** More texts than a queue has are not prepared: each session would keep them all. */
const MOST_PREPARED = 50;

/** A pool that survives the loss of its connections: without these listeners, one would end the process. */
export function openPool(connection: DatabaseConnection, name: string, log: Log, settings: PoolSettings = {}): Pool {
  const settled = [...(settings.commitAsync === true ? ['synchronous_commit=off'] : []), ...(settings.queueing === true ? QUEUEING : [])];
  const prepare = settings.queueing === true ? preparing() : null;
  const pool = new Pool({
    ...connection,
    application_name: name,
    max: 5,
    ...(settled.length > 0 ? { options: settled.map((setting) => `-c ${setting}`).join(' ') } : {}),
    connectionTimeoutMillis: CONNECT_MS,
    keepAlive: true,
    keepAliveInitialDelayMillis: 10_000,
  });
  pool.on('error', (error) => log.warn({ err: databaseError(error) }, 'an idle database connection was lost'));
  // The pool does not listen to a connection that is lent out, and one may be lost between two queries.
  pool.on('connect', (client) => {
    client.on('error', (error) => log.debug({ err: error }, 'a database connection was lost'));
    prepare?.(client);
  });
  return pool;
}

/** Makes clients of one pool name what they ask, by which `pg` prepares it once in each session. */
function preparing(): (client: PoolClient) => void {
  const names = new Map<string, string>();
  const nameOf = (text: string): string | undefined => {
    if (!names.has(text) && names.size < MOST_PREPARED) names.set(text, `q${names.size}`);
    return names.get(text);
  };
  return (client) => {
    const query = client.query.bind(client) as (...args: unknown[]) => unknown;
    const named = (first: unknown, values?: unknown, ...rest: unknown[]): unknown => {
      if (typeof first !== 'string' || !Array.isArray(values) || values.length === 0) return query(first, values, ...rest);
      const name = nameOf(first);
      return query({ text: first, values, ...(name === undefined ? {} : { name }) }, ...rest);
    };
    client.query = named as PoolClient['query'];
  };
}

/** One session of its own, with a listener for the error that comes when its connection is lost. */
export async function openSession(connection: DatabaseConnection, name: string, onLost: (error: Error) => void): Promise<Client> {
  const client = new Client({ ...connection, application_name: name, connectionTimeoutMillis: CONNECT_MS, keepAlive: true });
  client.on('error', onLost);
  await client.connect();
  return client;
}
