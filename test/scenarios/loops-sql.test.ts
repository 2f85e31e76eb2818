import assert from 'node:assert/strict';
import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { Client } from 'pg';
import { appClient } from '../fixtures/app-database.ts';
import { deployBundled } from './bundled.ts';
import { pythonClients } from './library-packages.ts';
import { languages, ROOT, TestServer, type Manifest } from './platform-server.ts';
import { until } from './until.ts';

/** Far more than a chain may have. */
const MOST = '40';

/** Writes the next row for each that it is given, changed or in what a function answered to a queue, by connections that outlive the invocation and so the chain in which they were opened. */
const NODE = `
import pg from 'pg';
const { DATABASE_URL, TABLE, SAYS } = process.env;
const pool = new pg.Pool({ connectionString: DATABASE_URL, max: 1, idleTimeoutMillis: 0 });
const idsOf = (r) => (r.body === undefined ? [r.after.id] : JSON.parse(r.body).responsePayload.ids);
export const handler = async ({ Records }) => {
  const client = await pool.connect();
  await client.query('begin');
  if (SAYS) await client.query("select pg_logical_emit_message(true, 'hearth.lineage', $1)", [process.env._X_AMZN_TRACE_ID]);
  for (const id of Records.flatMap(idsOf)) if (id % 100 < ${MOST}) await client.query('insert into ' + TABLE + ' values ($1)', [id + 1]);
  await client.query('commit');
  client.release();
};
`;

/** The same in Python, of changes, without a transaction of its own. */
const PYTHON = `
import os, psycopg

database = None

def lambda_handler(event, context):
    global database
    database = database or psycopg.connect(os.environ["DATABASE_URL"], autocommit=True)
    for record in event["Records"]:
        if record["after"]["id"] % 100 < ${MOST}:
            database.execute("insert into by_python values (%s)", [record["after"]["id"] + 1])
`;

describe('loops through tables, by the SQL of handlers', () => {
  let server: TestServer;
  let app: Client;
  before(async () => {
    server = await TestServer.start();
    app = await appClient(server.home);
  });
  after(async () => {
    await app.end();
    assert.deepEqual(await server.end(), []);
  });
  const last = async (table: string): Promise<number | undefined> =>
    (await app.query<{ id: number }>(`select max(id) as id from ${table}`)).rows[0]?.id;
  const running = (name: string) => until(async () => (await server.client.triggers(name)).every((t) => t.state === 'running'));
  /** Where chains that came to a function were stopped, once there are so many. */
  const stopped = (functionName: string, count = 1) =>
    until(async () => {
      const { events } = await server.client.events.list({ functionName, state: 'failed' });
      if (events.length < count) return null;
      return Promise.all(events.map(async ({ eventId }) => (await server.client.events.show(eventId))[0]));
    });
  const triggered = (table: string, more: object): Manifest => ({ triggers: [{ database: { table } }], ...more });
  /** A function that writes into the table whose changes it is given. */
  async function follows(table: string, more: { readonly async?: object; readonly environment?: object } = {}): Promise<void> {
    const { runtime } = (await languages())[0]!;
    await app.query(`create table if not exists ${table} (id int primary key)`);
    const manifest = triggered(table, { runtime, ...more, environment: { TABLE: table, ...more.environment } });
    await deployBundled(server, table, { root: ROOT, code: NODE, manifest });
    await running(table);
  }
  /** What a function's two chains came to: from 1 on, and from 101 on when that had been stopped. */
  async function twoChains(name: string, table: string): Promise<void> {
    await app.query(`insert into ${table} values (1)`);
    await stopped(name);
    assert.equal(await last(table), 17);
    await app.query(`insert into ${table} values (101)`);
    const both = await stopped(name, 2);
    assert.equal(await last(table), 117);
    assert.deepEqual(
      both.map((d) => [d?.reason, d?.lineage.split(':')[1]]),
      [
        ['LoopStopped', '16'],
        ['LoopStopped', '16'],
      ],
    );
    assert.equal(new Set(both.map((d) => d?.lineage)).size, 2);
  }

  test('node-postgres: each chain is counted by itself, also where its connection was opened in another', async () => {
    await follows('by_node');
    await twoChains('by_node', 'by_node');
  });

  test('rows that are written into a partition by its own name belong to the chain of the table; its trigger goes with that of the table', async () => {
    await app.query('create table by_root (id int primary key) partition by range (id)');
    await app.query('create table by_root_all partition of by_root for values from (0) to (1000)');
    await follows('by_root', { environment: { TABLE: 'by_root_all' } });
    await twoChains('by_root', 'by_root');
    const { rows } = await app.query("select tgrelid::regclass::text as name from pg_trigger where tgname = 'hearth_session' order by 1");
    assert.ok(rows.some(({ name }) => name === 'by_root_all'));
    await server.client.remove('by_root');
    await until(async () => (await app.query("select from pg_trigger where tgrelid = 'by_root_all'::regclass")).rows.length === 0);
  });

  test('a handler whose sessions have another name says it itself, in one line', async () => {
    await follows('by_saying', { environment: { PGAPPNAME: 'mine', SAYS: '1' } });
    await twoChains('by_saying', 'by_saying');
  });

  test('it goes on where that is allowed', async () => {
    await follows('by_allowed', { async: { recursiveLoop: 'allow' } });
    await app.query('insert into by_allowed values (1)');
    await until(async () => (await last('by_allowed')) === Number(MOST));
  });

  test('psycopg: each chain is counted by itself, also where its connection was opened in another', async (t) => {
    const [packages, python] = [await pythonClients(), (await languages()).find((l) => l.language === 'python')];
    if (packages.missing !== null || python?.skip !== false) return t.skip(packages.missing ?? 'no Python is installed here');
    const folder = mkdtempSync(join(tmpdir(), 'hearth-loops-'));
    try {
      for (const name of ['psycopg', 'psycopg_binary', 'psycopg_binary.libs', 'typing_extensions.py'])
        cpSync(join(packages.root, 'python', name), join(folder, name), { recursive: true });
      writeFileSync(join(folder, 'lambda_function.py'), PYTHON);
      await app.query('create table by_python (id int primary key)');
      const { runtime } = python;
      await server.deploy('by-python', folder, triggered('by_python', { runtime, handler: 'lambda_function.lambda_handler' }));
      await running('by-python');
      await twoChains('by-python', 'by_python');
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });

  test('from a table to a function to a queue to a function to the table: each step counts', async () => {
    await app.query('create table round (id int primary key)');
    const { runtime } = (await languages())[0]!;
    const toQueue = { environment: { ANSWER: 'ids' }, async: { onSuccess: { queue: 'round' } } };
    await server.deploy('first', 'answers', triggered('round', { runtime, handler: 'index.handler', ...toQueue }));
    await deployBundled(server, 'second', {
      root: ROOT,
      code: NODE,
      manifest: { runtime, environment: { TABLE: 'round' }, triggers: [{ queue: 'round' }] },
    });
    await Promise.all([running('first'), running('second')]);
    await app.query('insert into round values (1)');
    const [event] = await stopped('first');
    // Eight rounds of two steps each.
    assert.deepEqual([event?.reason, event?.lineage.split(':')[1], await last('round')], ['LoopStopped', '16', 9]);
  });

  test('only tables that are followed have the trigger, which goes with the last of their functions', async () => {
    const marked = async (): Promise<(string | undefined)[]> =>
      (
        await app.query<{ name: string }>("select tgrelid::regclass::text as name from pg_trigger where tgname = 'hearth_session'")
      ).rows.map((r) => r.name);
    await app.query('create table nobody_follows (id int primary key)');
    await follows('by_two');
    const { runtime } = (await languages())[0]!;
    await deployBundled(server, 'by_another', {
      root: ROOT,
      code: NODE,
      manifest: triggered('by_two', { runtime, environment: { TABLE: 'by_two' } }),
    });
    await running('by_another');
    const now = await marked();
    assert.deepEqual([now.includes('by_two'), now.includes('nobody_follows')], [true, false]);
    await server.client.remove('by_another');
    assert.ok((await marked()).includes('by_two'), 'the other function still follows it');
    await server.client.remove('by_two');
    await until(async () => !(await marked()).includes('by_two'));
  });
});
