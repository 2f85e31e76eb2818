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

/** Takes what a function answered from a queue, and writes the next row. */
const NODE = `
import pg from 'pg';
export const handler = async ({ Records }) => {
  const client = new pg.Client({ connectionString: process.env.DATABASE_URL });
  await client.connect();
  try {
    await client.query('begin');
    await client.query("select pg_logical_emit_message(true, 'hearth.lineage', $1)", [process.env._X_AMZN_TRACE_ID]);
    for (const { body } of Records)
      for (const id of JSON.parse(body).responsePayload.ids) await client.query('insert into round values ($1)', [id + 1]);
    await client.query('commit');
  } finally {
    await client.end();
  }
};
`;

/** Writes the next row by a connection that outlives the invocation, and so the chain in which it was opened. */
const PYTHON = `
import os, psycopg

database = None

def lambda_handler(event, context):
    global database
    database = database or psycopg.connect(os.environ["DATABASE_URL"], autocommit=True)
    with database.transaction():
        database.execute("select pg_logical_emit_message(true, 'hearth.lineage', %s)", [os.environ["_X_AMZN_TRACE_ID"]])
        for record in event["Records"]:
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
      await app.query('insert into by_python values (1)');
      await stopped('by-python');
      assert.equal(await last('by_python'), 17);
      await app.query('insert into by_python values (101)');
      const both = await stopped('by-python', 2);
      assert.equal(await last('by_python'), 117);
      assert.deepEqual(
        both.map((d) => [d?.reason, d?.lineage.split(':')[1]]),
        [
          ['LoopStopped', '16'],
          ['LoopStopped', '16'],
        ],
      );
      assert.equal(new Set(both.map((d) => d?.lineage)).size, 2);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });

  test('from a table to a function to a queue to a function to the table: each step counts', async () => {
    await app.query('create table round (id int primary key)');
    const { runtime } = (await languages())[0]!;
    const toQueue = { environment: { ANSWER: 'ids' }, async: { onSuccess: { queue: 'round' } } };
    await server.deploy('first', 'answers', triggered('round', { runtime, handler: 'index.handler', ...toQueue }));
    await deployBundled(server, 'second', { root: ROOT, code: NODE, manifest: { runtime, triggers: [{ queue: 'round' }] } });
    await Promise.all([running('first'), running('second')]);
    await app.query('insert into round values (1)');
    const [event] = await stopped('first');
    // Eight rounds of two steps each.
    assert.deepEqual([event?.reason, event?.lineage.split(':')[1], await last('round')], ['LoopStopped', '16', 9]);
  });
});
