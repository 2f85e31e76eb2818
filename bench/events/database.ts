import type { Client } from 'pg';
import { appClient } from '../../test/fixtures/app-database.ts';
import type { BenchHearth } from '../hearth.ts';
import type { Releases } from '../releases.ts';
import { Collector } from './collector.ts';

/** A table that is followed, and where its changes arrive. */
export interface FollowedTable {
  readonly table: string;
  readonly client: Client;
  readonly collector: Collector;
}

/** Deploys `arrivals` on a new table of the database `app`; resolves when it is followed and an instance is warm. */
export async function followTable(hearth: BenchHearth, releases: Releases, table = 'bench_rows'): Promise<FollowedTable> {
  const collector = await Collector.open(releases);
  const client = await appClient(hearth.home);
  releases.add(() => client.end());
  await client.query(`create table ${table} (id bigint generated always as identity primary key, payload text, mark text)`);
  await hearth.deploy('bench/functions/hearth.yaml', 'arrivals', {
    environment: { COLLECTOR: collector.url },
    triggers: [{ database: { table, batchSize: 100 } }],
  });
  while ((await hearth.client.triggers('arrivals'))[0]?.state !== 'running') await new Promise((resolve) => setTimeout(resolve, 50));
  const followed = { table, client, collector };
  await insert(followed, 1);
  await collector.have(1);
  return followed;
}

/** Rows a second from the first commit to the last function's start: transactions of a hundred rows, one after the other. */
export async function rowsPerSecond(followed: FollowedTable, rows: number): Promise<number> {
  const { collector } = followed;
  collector.arrivals = [];
  const beganMs = Date.now();
  for (let i = 0; i < rows; i += 100) await insert(followed, Math.min(100, rows - i));
  await collector.have(rows);
  const lastMs = collector.arrivals.reduce((last, a) => Math.max(last, a.startedMs), 0);
  return (rows * 1000) / (lastMs - beganMs);
}

/** Commits one row with a mark. */
export async function insertMarked({ table, client }: FollowedTable, mark: string): Promise<void> {
  await client.query(`insert into ${table} (payload, mark) values (repeat('x', 100), $1)`, [mark]);
}

async function insert({ table, client }: FollowedTable, rows: number): Promise<void> {
  await client.query(`insert into ${table} (payload) select repeat('x', 100) from generate_series(1, $1)`, [rows]);
}
