import { Client, Pool } from 'pg';
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
}

/** A pool that survives the loss of its connections: without these listeners, one would end the process. */
export function openPool(connection: DatabaseConnection, name: string, log: Log, settings: PoolSettings = {}): Pool {
  const pool = new Pool({
    ...connection,
    application_name: name,
    max: 5,
    ...(settings.commitAsync === true ? { options: '-c synchronous_commit=off' } : {}),
    connectionTimeoutMillis: CONNECT_MS,
    keepAlive: true,
    keepAliveInitialDelayMillis: 10_000,
  });
  pool.on('error', (error) => log.warn({ err: error }, 'an idle database connection was lost'));
  // The pool does not listen to a connection that is lent out, and one may be lost between two queries.
  pool.on('connect', (client) => client.on('error', (error) => log.debug({ err: error }, 'a database connection was lost')));
  return pool;
}

/** One session of its own, with a listener for the error that comes when its connection is lost. */
export async function openSession(connection: DatabaseConnection, name: string, onLost: (error: Error) => void): Promise<Client> {
  const client = new Client({ ...connection, application_name: name, connectionTimeoutMillis: CONNECT_MS, keepAlive: true });
  client.on('error', onLost);
  await client.connect();
  return client;
}
