import assert from 'node:assert/strict';
import { randomInt } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { CreateQueueCommand, SQSClient } from '@aws-sdk/client-sqs';
import { runDirectory } from '../../src/composition/run-directory.ts';
import { appClient } from '../fixtures/app-database.ts';
import { Diary } from './diary.ts';
import { leavings, stillThere } from './leavings.ts';
import { MixedTraffic, QUEUE, SeenTraffic, TABLE, TRIGGERS } from './mixed-traffic.ts';
import { ServerProcess } from './platform-process.ts';
import { handlerOf } from './platform-server.ts';
import { credentialsOf } from './server-credentials.ts';
import { until } from './until.ts';

const NODE = `nodejs${process.versions.node.split('.')[0]}.x`;
/** Fewer by HEARTH_TEST_EVENTS, to look for something. */
const EVENTS = Number(process.env['HEARTH_TEST_EVENTS'] ?? 10_000);
const KILLS = 4;

after(() => ServerProcess.endAll()); // of a test that failed

test(`kill -9 at random points of ${EVENTS} mixed events: what was acknowledged is seen, in order by key; what was rolled back is not`, async () => {
  const home = mkdtempSync(join(tmpdir(), 'hearth-mixed-kill-'));
  await using diary = await Diary.open();
  let server = await ServerProcess.start({ home });
  await prepare(server, diary);
  let up = true;
  const quota = { async: EVENTS * 0.4, uploads: EVENTS * 0.2, messages: EVENTS * 0.2, rows: EVENTS * 0.2 };
  const endpoint = (): string | null => (up ? endpointOf(home) : null);
  const traffic = new MixedTraffic({ home, functionName: 'told', endpoint, app: () => appClient(home) }, quota);
  const running = traffic.run();
  const points = Array.from({ length: KILLS }, (_, i) => Math.floor((EVENTS * (i + randomInt(1, 100) / 100)) / (KILLS + 1)));
  for (const point of points) {
    await until(() => traffic.count >= point, 1);
    const family = server.family();
    up = false;
    await server.end('SIGKILL');
    await until(() => stillThere(family).length === 0);
    server = await ServerProcess.start({ home });
    up = true;
  }
  await running;
  const seen = new SeenTraffic(diary);
  await until(() => Object.values(seen.missing(traffic)).every((count) => count === 0));
  assert.deepEqual(seen.rolledBack(), []);
  assert.deepEqual(seen.disordered(), [], `killed after ${points.join(', ')}`);
  const { events: ticks } = await server.client.events.list({ source: 'schedule', limit: 1_000 });
  assert.ok(ticks.length >= 2);
  assert.equal(new Set(ticks.map((t) => t.eventId)).size, ticks.length);
  assert.deepEqual((await server.client.events.list({ state: 'failed' })).events, []);
  assert.equal(await server.end('SIGTERM'), 0);
  assert.deepEqual(leavings(home, runDirectory(home, process.env)), []);
  rmSync(home, { recursive: true, force: true });
});

/** The table and the queue, and the function that is told of all. */
async function prepare(server: ServerProcess, diary: Diary): Promise<void> {
  const setUp = await appClient(server.home);
  await setUp.query(`create table ${TABLE} (id int primary key, n int)`);
  await setUp.end();
  const settings = { endpoint: server.client.endpoint, region: 'us-east-1', credentials: credentialsOf(server.home) };
  const sqs = new SQSClient(settings);
  // What the server held when it was killed is visible again after so long.
  await sqs.send(new CreateQueueCommand({ QueueName: QUEUE, Attributes: { FifoQueue: 'true', VisibilityTimeout: '2' } }));
  sqs.destroy();
  await server.deploy('told', 'objects-diary', {
    runtime: NODE,
    handler: handlerOf('node'),
    timeoutSeconds: 2,
    environment: { DIARY: diary.url },
    triggers: TRIGGERS,
  });
  await until(async () => (await server.client.triggers('told')).every((t) => t.state === 'running'));
}

function endpointOf(home: string): string | null {
  try {
    return (JSON.parse(readFileSync(join(home, 'server.json'), 'utf8')) as { endpoint: string }).endpoint;
  } catch {
    return null;
  }
}
