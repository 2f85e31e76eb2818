import type { Client } from 'pg';
import { appClient } from '../../test/fixtures/app-database.ts';
import type { BenchHearth } from '../hearth.ts';
import type { Releases } from '../releases.ts';
import { Collector } from './collector.ts';

/** A table that is followed, and where its changes arrive. */
export interface FollowedTable {
  readonly client: Client;
  readonly collector: Collector;
}

const TABLE = 'bench_rows';

/** Deploys `arrivals` on a new table of the database `app`; resolves when it is followed and an instance is warm. */
export async function followTable(hearth: BenchHearth, releases: Releases): Promise<FollowedTable> {
  const collector = await Collector.open(releases);
  const client = await appClient(hearth.home);
  releases.add(() => client.end());
  await client.query(`create table ${TABLE} (id bigint generated always as identity primary key, payload text)`);
  await hearth.deploy('bench/functions/hearth.yaml', 'arrivals', {
    environment: { COLLECTOR: collector.url },
    triggers: [{ database: { table: TABLE, batchSize: 100 } }],
  });
  while ((await hearth.client.triggers('arrivals'))[0]?.state !== 'running') await new Promise((resolve) => setTimeout(resolve, 50));
  await insert(client, 1);
  await collector.have(1);
  return { client, collector };
}

/** Rows a second from the first commit to the last function's start: transactions of a hundred rows, one after the other. */
export async function rowsPerSecond({ client, collector }: FollowedTable, rows: number): Promise<number> {
  collector.arrivals = [];
  const beganMs = Date.now();
  for (let i = 0; i < rows; i += 100) await insert(client, Math.min(100, rows - i));
  await collector.have(rows);
  const lastMs = collector.arrivals.reduce((last, a) => Math.max(last, a.startedMs), 0);
  return (rows * 1000) / (lastMs - beganMs);
}

/** From the commit of single rows to the function's start, in milliseconds; whole milliseconds, since commits have no finer times here. */
export async function rowDelays({ client, collector }: FollowedTable, rows: number): Promise<number[]> {
  collector.arrivals = [];
  for (let i = 1; i <= rows; i++) {
    await insert(client, 1);
    await collector.have(i);
  }
  return collector.delays();
}

async function insert(client: Client, rows: number): Promise<void> {
  await client.query(`insert into ${TABLE} (payload) select repeat('x', 100) from generate_series(1, $1)`, [rows]);
}
