import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { Client } from 'pg';
import type { HearthClient } from '../../src/client/client.ts';
import { runDirectory } from '../../src/composition/run-directory.ts';
import { appClient } from '../fixtures/app-database.ts';
import { deployBundled } from './bundled.ts';
import { leavings } from './leavings.ts';
import { ServerProcess } from './platform-process.ts';
import { ROOT, TestServer } from './platform-server.ts';
import { until } from './until.ts';

const NODE = { runtime: `nodejs${process.versions.node.split('.')[0]}.x`, handler: 'index.handler' };
/** A row of an application, and one of each step that the chain may have. */
const STOPPED_AT = 17;

const running = (client: HearthClient, name: string) =>
  until(async () => (await client.triggers(name)).every((t) => t.state === 'running'));
const failed = async (client: HearthClient, functionName: string) => {
  const { events } = await client.events.list({ functionName, state: 'failed' });
  return Promise.all(events.map(async ({ eventId }) => (await client.events.show(eventId))[0]));
};

describe('loops through tables', () => {
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
  const count = async (table: string): Promise<number> => {
    const { rows } = await app.query<{ n: string }>(`select count(*) as n from ${table}`);
    return Number(rows[0]?.n);
  };
  /** A function whose answers go into the table that it is triggered by. */
  async function looping(name: string, more: object = {}, environment: Record<string, string> = {}): Promise<void> {
    await app.query(`create table ${name} (id int primary key)`);
    const triggers = [{ database: { table: name } }];
    await server.deploy(name, 'loops-tables', { ...NODE, environment, triggers, async: { onSuccess: { table: name }, ...more } });
    await running(server.client, name);
  }

  test('a function whose answers go into the table it is triggered by is stopped before its 17th step; what applications write begins anew', async () => {
    await looping('answers');
    for (const first of [1, 101]) {
      await app.query('insert into answers values ($1)', [first]);
      const stopped = await until(async () => {
        const all = await failed(server.client, 'answers');
        return all.find((d) => d?.payload.includes(`"id":${first + STOPPED_AT - 1}`));
      });
      assert.equal(stopped.reason, 'LoopStopped');
      assert.match(stopped.lineage, /^[\w-]+:16$/);
      assert.match(stopped.history.at(-1)?.message ?? '', /this would be step 17 of the chain of events [\w-]+, and a chain may have 16/);
    }
    assert.equal(await count('answers'), 2 * STOPPED_AT);
    const chains = new Set((await failed(server.client, 'answers')).map((d) => d?.lineage));
    assert.equal(chains.size, 2, 'each of the two rows began a chain of its own');
  });

  test('a handler that writes by a client of its own belongs to its chain when it says so, in the words of the guide', async () => {
    await app.query('create table written (id int primary key)');
    const code = `
      const { Client } = require('pg');
      exports.handler = async ({ Records }) => {
        const client = new Client({ connectionString: process.env.DATABASE_URL });
        await client.connect();
        await client.query('begin');
        await client.query("select pg_logical_emit_message(true, 'hearth.lineage', $1)", [process.env._X_AMZN_TRACE_ID]);
        for (const { after } of Records) await client.query('insert into written values ($1)', [after.id + 1]);
        await client.query('commit');
        await client.end();
      };`;
    await deployBundled(server, 'writes', { root: ROOT, code, manifest: { ...NODE, triggers: [{ database: { table: 'written' } }] } });
    await running(server.client, 'writes');
    await app.query('grant insert on written to hearth_functions');
    await app.query('insert into written values (1)');
    const [stopped] = await until(async () => {
      const all = await failed(server.client, 'writes');
      return all.length > 0 ? all : null;
    });
    assert.deepEqual([stopped?.reason, stopped?.lineage.split(':')[1]], ['LoopStopped', '16']);
    assert.equal(await count('written'), STOPPED_AT);
  });

  test('it goes on where that is allowed', async () => {
    await looping('allowed', { recursiveLoop: 'allow' }, { MOST: '25' });
    await app.query('insert into allowed values (1)');
    await until(async () => (await count('allowed')) === 25);
    assert.deepEqual(await failed(server.client, 'allowed'), []);
  });
});

test('a loop through a table is counted on when the server is killed amid it', async () => {
  const home = mkdtempSync(join(tmpdir(), 'hearth-scenario-'));
  let open = false;
  let asked = false;
  const gate = createServer((_, response) => {
    asked = true;
    if (open) response.end();
  });
  gate.listen(0, '127.0.0.1');
  await once(gate, 'listening');
  try {
    let server = await ServerProcess.start({ home });
    let app = await appClient(home);
    await app.query('create table goes_on (id int primary key)');
    await server.deploy('goes-on', 'loops-tables', {
      ...NODE,
      timeoutSeconds: 60,
      environment: { WAIT: '8', GATE: `http://127.0.0.1:${(gate.address() as AddressInfo).port}` },
      triggers: [{ database: { table: 'goes_on' } }],
      async: { onSuccess: { table: 'goes_on' } },
    });
    await running(server.client, 'goes-on');
    await app.query('insert into goes_on values (1)');
    await until(() => asked);
    await app.end();
    await server.end('SIGKILL');
    open = true;
    server = await ServerProcess.start({ home });
    const [stopped] = await until(async () => {
      const all = await failed(server.client, 'goes-on');
      return all.length > 0 ? all : null;
    });
    assert.deepEqual([stopped?.reason, stopped?.lineage.split(':')[1]], ['LoopStopped', '16']);
    app = await appClient(home);
    const { rows } = await app.query<{ id: number }>('select max(id) as id from goes_on');
    assert.equal(rows[0]?.id, STOPPED_AT);
    await app.end();
    await server.end('SIGTERM');
    assert.deepEqual(leavings(home, runDirectory(home, process.env)), []);
  } finally {
    gate.closeAllConnections();
    gate.close();
    await ServerProcess.endAll();
    rmSync(home, { recursive: true, force: true });
  }
});
