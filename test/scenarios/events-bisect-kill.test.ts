import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { CreateEventSourceMappingCommand, GetEventSourceMappingCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { CreateQueueCommand, DeleteMessageCommand, ReceiveMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { runDirectory } from '../../src/composition/run-directory.ts';
import { appClient } from '../fixtures/app-database.ts';
import { Diary } from './diary.ts';
import { leavings, stillThere } from './leavings.ts';
import { ServerProcess } from './platform-process.ts';
import { clientOptions } from './server-credentials.ts';
import { until } from './until.ts';

const NODE = `nodejs${process.versions.node.split('.')[0]}.x`;
const ROWS = 120;
const UPDATES = 3;
const POISON = [17, 92];
const KILLS = 4;

interface Row {
  readonly id: number;
  readonly key: number;
  readonly bad: boolean;
}

after(() => ServerProcess.endAll()); // of tests that failed

test('kill -9 in the middle of bisecting: the poison records are told once or more, all others are seen, each row’s in order', async () => {
  const home = mkdtempSync(join(tmpdir(), 'hearth-bisect-kill-'));
  await using diary = await Diary.open();
  let server = await ServerProcess.start({ home });
  await server.deploy('throws', 'events-tables', {
    runtime: NODE,
    handler: 'index.handler',
    timeoutSeconds: 30,
    environment: { DIARY: diary.url },
  });
  await mapped(server);
  const app = await appClient(home);
  await app.query(`insert into bisected select n, 0, n = any($1) from generate_series(0, ${ROWS - 1}) n`, [POISON]);
  // What comes after the poison in its order waits for the end of the bisecting.
  for (let i = 1; i <= UPDATES; i++) await app.query('update bisected set key = $1 where not bad', [i]);
  await app.end();

  const divided = () => diary.entries.filter((e) => rowsOf(e.event).some((r) => r.bad)).length;
  for (let kill = 1; kill <= KILLS; kill++) {
    const before = divided();
    // Some steps further, and in the middle of one (of an odd kill: the function is never answered) or just after it.
    let go = (): void => {};
    await until(() => divided() > before);
    if (kill % 2 === 1) diary.hold = new Promise((resolve) => (go = resolve));
    await until(() => divided() > before + 1);
    const family = server.family();
    await server.end('SIGKILL');
    go();
    diary.hold = Promise.resolve();
    await until(() => stillThere(family).length === 0);
    server = await ServerProcess.start({ home });
  }

  const good = (): Row[] => diary.entries.map((e) => rowsOf(e.event)).flatMap((rows) => (rows.some((r) => r.bad) ? [] : rows));
  const seen = () => new Set(good().map((r) => `${r.id} ${r.key}`));
  await until(() => seen().size === (ROWS - POISON.length) * (UPDATES + 1));
  for (let id = 0; id < ROWS; id++) {
    const first = [...new Set(good().flatMap((r) => (r.id === id ? [r.key] : [])))];
    assert.deepEqual(first, POISON.includes(id) ? [] : Array.from({ length: UPDATES + 1 }, (_, n) => n), `row ${id}`);
  }
  assert.deepEqual(
    [...(await told(server))].sort((a, b) => a - b),
    POISON,
  );
  await until(async () => (await server.client.events.list({ state: 'waiting' })).events.length === 0);
  await until(async () => (await server.client.events.list({ state: 'running' })).events.length === 0);
  const failed = (await server.client.events.list({ state: 'failed', source: 'database' })).events;
  assert.ok(failed.length >= 1 && failed.every((e) => e.reason === 'RetriesExhausted'));
  assert.equal(await server.end('SIGTERM'), 0);
  assert.deepEqual(leavings(home, runDirectory(home, process.env)), []);
  rmSync(home, { recursive: true, force: true });
});

function rowsOf(event: Readonly<Record<string, unknown>>): Row[] {
  return event['rows'] as Row[];
}

/** Makes the table, its mapping and the queue that is told, and waits until it streams. */
async function mapped(server: ServerProcess): Promise<void> {
  const app = await appClient(server.home);
  await app.query('create table bisected (id int primary key, key int, bad bool)');
  await app.end();
  const options = clientOptions({ home: server.home, endpoint: server.client.endpoint });
  const sqs = new SQSClient(options);
  await sqs.send(new CreateQueueCommand({ QueueName: 'poison' }));
  sqs.destroy();
  const lambda = new LambdaClient(options);
  const { UUID } = await lambda.send(
    new CreateEventSourceMappingCommand({
      FunctionName: 'throws',
      EventSourceArn: 'arn:aws:hearth:us-east-1:000000000000:table/bisected',
      StartingPosition: 'LATEST',
      BatchSize: 64,
      ParallelizationFactor: 2,
      BisectBatchOnFunctionError: true,
      MaximumRetryAttempts: 1,
      DestinationConfig: { OnFailure: { Destination: 'arn:aws:sqs:us-east-1:000000000000:poison' } },
    }),
  );
  await until(async () => (await lambda.send(new GetEventSourceMappingCommand({ UUID }))).State === 'Enabled');
  lambda.destroy();
}

/** The rows that the destination was told of, each once however often, once all that were given up have been. */
async function told(server: ServerProcess): Promise<Set<number>> {
  const sqs = new SQSClient(clientOptions({ home: server.home, endpoint: server.client.endpoint }));
  const QueueUrl = `${server.client.endpoint}/000000000000/poison`;
  const ids = new Set<number>();
  // Whatever is told beside them is told before the ledger has nothing left to run.
  await until(async () => (await server.client.events.list({ source: 'database', state: 'waiting' })).events.length === 0);
  for (;;) {
    const { Messages = [] } = await sqs.send(new ReceiveMessageCommand({ QueueUrl, MaxNumberOfMessages: 10, WaitTimeSeconds: 2 }));
    for (const { Body, ReceiptHandle } of Messages) {
      const { Records } = JSON.parse((JSON.parse(Body ?? '') as { payload: string }).payload) as { Records: { after: Row }[] };
      for (const { after: row } of Records) ids.add(row.id);
      await sqs.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle }));
    }
    if (Messages.length === 0 && ids.size >= POISON.length) break;
  }
  sqs.destroy();
  return ids;
}
