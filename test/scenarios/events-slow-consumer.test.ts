import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Client } from 'pg';
import { DEFAULTS } from '../../src/config/defaults.ts';
import { appClient } from '../fixtures/app-database.ts';
import type { SeenRecord } from '../fixtures/changes.ts';
import { Diary } from './diary.ts';
import { handlerOf, languages, TestServer } from './platform-server.ts';
import { until } from './until.ts';

const CALLS = 500;
const TRANSACTIONS = 20;
const ROWS = 100;

let server: TestServer;
let slow: Diary;
let quick: Diary;
let app: Client;
let letGo: () => void;

before(async () => {
  server = await TestServer.start();
  [slow, quick] = [await Diary.open(), await Diary.open()];
  slow.hold = new Promise((resolve) => (letGo = resolve));
  app = await appClient(server.home);
  await app.query('create table many (id int primary key, n int)');
  const [node] = await languages();
  const manifest = { runtime: node?.runtime, handler: handlerOf('node'), timeoutSeconds: 300 };
  await server.deploy('slow', 'objects-diary', { ...manifest, environment: { DIARY: slow.url } });
  await server.deploy('follows', 'objects-diary', {
    ...manifest,
    environment: { DIARY: slow.url },
    triggers: [{ database: { table: 'many', batchSize: 10, parallel: 2 } }],
  });
  await server.deploy('quick', 'objects-diary', { ...manifest, environment: { DIARY: quick.url } });
  await until(async () => (await server.client.triggers('follows')).every((t) => t.state === 'running'));
});
after(async () => {
  await app.end();
  for (const diary of [slow, quick]) await diary[Symbol.asyncDispose]();
  assert.deepEqual(await server.end(), []);
});

const call = (functionName: string, n: number) =>
  server.client.invoke({ functionName, payload: Buffer.from(JSON.stringify({ n })), invocationType: 'Event' });
const listed = async (functionName: string, state: string): Promise<number> =>
  (await server.client.events.list({ functionName, state, limit: 1_000 })).events.length;

test('consumers that take nothing hold up neither their sources nor other functions, and are given no more than they may run', async () => {
  await Promise.all(Array.from({ length: CALLS }, (_, n) => call('slow', n)));
  for (let t = 0; t < TRANSACTIONS; t++)
    await app.query(`insert into many select i, ${t} from generate_series(1, ${ROWS}) i on conflict (id) do update set n = excluded.n`);
  const { rows } = await app.query<{ lsn: string }>('select pg_current_wal_lsn()::text as lsn');
  // The log is let go of: what waits, waits in the ledger.
  await until(async () => {
    const slots = await app.query<{ past: boolean }>('select confirmed_flush_lsn >= $1::pg_lsn as past from pg_replication_slots', [
      rows[0]?.lsn,
    ]);
    return slots.rows.length === 1 && slots.rows[0]?.past === true;
  });
  await until(() => slow.entries.length > 0);
  await Promise.all(Array.from({ length: 50 }, (_, n) => call('quick', n)));
  await until(() => quick.entries.length === 50);
  const running = await listed('slow', 'running');
  assert.ok(running > 0 && running <= DEFAULTS.events.perFunction, `${running} run`);
  assert.equal((await listed('slow', 'waiting')) + running, CALLS);
  assert.ok((await listed('follows', 'running')) <= 2);
  letGo();
  const calls = (): Set<unknown> => new Set(slow.entries.map((e) => e.event['n']));
  const changes = (): SeenRecord[] => slow.entries.flatMap((e) => (e.event['Records'] as SeenRecord[] | undefined) ?? []);
  await until(() => changes().length === TRANSACTIONS * ROWS);
  await until(() => [...Array(CALLS).keys()].every((n) => calls().has(n)));
  for (let id = 1; id <= ROWS; id++) {
    const order = changes().flatMap((r) => (r.after?.['id'] === id ? [r.after['n'] as number] : []));
    assert.deepEqual(order, [...Array(TRANSACTIONS).keys()], `row ${id}`);
  }
});
