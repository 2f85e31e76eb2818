import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { after, before, test } from 'node:test';
import { Client } from 'pg';
import { CreateQueueCommand, SQSClient } from '@aws-sdk/client-sqs';
import { systemClock } from '../../src/lib/clock.ts';
import { startEmbedded, type Embedded } from '../../src/store/embedded.ts';
import { silent } from '../silent-log.ts';
import { Diary } from './diary.ts';
import { MixedTraffic, QUEUE, SeenTraffic, TABLE, TRIGGERS } from './mixed-traffic.ts';
import { handlerOf, languages, TestServer } from './platform-server.ts';
import { credentialsOf } from './server-credentials.ts';
import { until } from './until.ts';

const QUOTA = { async: 400, uploads: 100, messages: 100, rows: 100 };
/** How long it is away the first time, a minute unless HEARTH_TEST_AWAY_SECONDS says otherwise, and the second. */
const AWAY_MS = [Number(process.env['HEARTH_TEST_AWAY_SECONDS'] ?? 60) * 1_000, 3_000];

/** Somebody's own PostgreSQL, which can be stopped and started again. */
class OwnDatabase {
  readonly #home = mkdtempSync(join(tmpdir(), 'hearth-test-database-'));
  #server: Embedded | null = null;

  async start(): Promise<void> {
    this.#server = await startEmbedded({ home: this.#home, clock: systemClock, log: silent });
  }

  async stop(): Promise<void> {
    await this.#server?.stop();
    this.#server = null;
  }

  url(database: 'hearth' | 'app'): string {
    const connection = this.#server?.connection(database);
    if (connection === undefined || !('host' in connection)) throw new Error('the database does not run');
    const { host, port, user, password } = connection;
    return `postgresql://${user}:${password}@/${database}?host=${encodeURIComponent(host)}&port=${port}`;
  }

  remove(): void {
    rmSync(this.#home, { recursive: true, force: true });
  }
}

const database = new OwnDatabase();
let server: TestServer;
let diary: Diary;
let app: string;

before(async () => {
  await database.start();
  app = database.url('app');
  server = await TestServer.start({ databaseUrl: database.url('hearth') });
  diary = await Diary.open();
  const client = await appClient();
  await client.query(`create table ${TABLE} (id int primary key, n int)`);
  await client.end();
  const settings = { endpoint: server.endpoint, region: 'us-east-1', credentials: credentialsOf(server.home) };
  const sqs = new SQSClient(settings);
  await sqs.send(new CreateQueueCommand({ QueueName: QUEUE, Attributes: { FifoQueue: 'true', VisibilityTimeout: '2' } }));
  sqs.destroy();
  const [node] = await languages();
  await server.deploy('told', 'objects-diary', {
    runtime: node?.runtime,
    handler: handlerOf('node'),
    timeoutSeconds: 2,
    environment: { DIARY: diary.url, APP: app },
    triggers: TRIGGERS.map((t) => ('database' in t ? { database: { ...t.database, connection: 'APP' } } : t)),
  });
  await until(async () => (await server.client.triggers('told')).every((t) => t.state === 'running'));
});
after(async () => {
  await diary[Symbol.asyncDispose]();
  assert.deepEqual(await server.end(), []);
  await database.stop();
  database.remove();
});

async function appClient(): Promise<Client> {
  const client = new Client({ connectionString: app });
  client.on('error', () => {}); // the query that is under way rejects
  await client.connect();
  return client;
}

test('PostgreSQL is stopped for a minute under load, and once more: who sends is told to come again, and what was acknowledged is seen, in order', async () => {
  const endpoint = (): string => server.endpoint;
  const traffic = new MixedTraffic({ home: server.home, functionName: 'told', endpoint, app: appClient }, QUOTA);
  const total = Object.values(QUOTA).reduce((sum, n) => sum + n, 0);
  const running = traffic.run();
  for (const [n, part] of [0.2, 0.6].entries()) {
    await until(() => traffic.count >= total * part);
    const refused = traffic.refusals.length;
    await database.stop();
    await until(() => traffic.refusals.length >= refused + 20);
    await sleep(AWAY_MS[n]); // the fault itself: away for a while, not for a moment
    await database.start();
  }
  await running;
  const others = traffic.refusals.filter(({ status }) => ![429, 503].includes(status));
  assert.deepEqual(others, []);
  const seen = new SeenTraffic(diary);
  await until(() => Object.values(seen.missing(traffic)).every((count) => count === 0));
  assert.deepEqual(seen.rolledBack(), []);
  assert.deepEqual(seen.disordered(), []);
  await until(async () => {
    const open = await Promise.all(['waiting', 'running'].map((state) => server.client.events.list({ state, source: 'async' })));
    return open.every((page) => page.events.length === 0);
  });
  assert.deepEqual((await server.client.events.list({ state: 'failed' })).events, []);
});
