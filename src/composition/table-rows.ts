import { Pool } from 'pg';
import { HearthError } from '../errors.ts';
import { insertAnswer } from '../triggers/ledger/table-destination.ts';
import type { DestinationPorts } from '../triggers/ledger/target.ts';
import type { Base } from './base.ts';
import type { EventParts } from './events.ts';

/** Few: functions have most of the connections that their role may make. */
const CONNECTIONS = 2;
const IDLE_MS = 10_000;
const CONNECT_MS = 10_000;

/**
 * Writes answers of functions as rows, with the rights of functions: in the database `app` as their role, or in the one that a variable of the function (or
 * of the server) names.
 */
export function writingRows({ closing }: Base, { store, registry }: EventParts): NonNullable<DestinationPorts['table']> {
  const pools = new Map<string, Pool>();
  closing.add('answers as rows', async () => {
    await Promise.all([...pools.values()].map((pool) => pool.end().catch(() => {})));
  });
  const poolOf = (connectionString: string): Pool => {
    const present = pools.get(connectionString);
    if (present !== undefined) return present;
    const options = { max: CONNECTIONS, idleTimeoutMillis: IDLE_MS, connectionTimeoutMillis: CONNECT_MS, allowExitOnIdle: true };
    const pool = new Pool({ connectionString, application_name: 'hearth results', ...options });
    pool.on('error', () => {}); // an idle connection was lost; the next answer makes another
    pools.set(connectionString, pool);
    return pool;
  };
  const variables = (functionId: string): Readonly<Record<string, string>> =>
    registry.list().find((v) => v.functionId === functionId)?.environment ?? {};
  return async ({ table, connection, functionId }, answer) => {
    const url = connection === null ? store.embedded?.functionUrl : (variables(functionId)[connection] ?? process.env[connection]);
    if (url === undefined || url === null)
      throw new HearthError(
        'ServiceUnavailable',
        connection === null
          ? 'there is no bundled server: name a variable with the connection string of another (connection)'
          : `the variable ${connection} is not set: set it for the function or for the server`,
      );
    return insertAnswer(poolOf(url), table, answer);
  };
}
