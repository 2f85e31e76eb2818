import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, beforeEach, describe, test } from 'node:test';
import { CreateEventSourceMappingCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { CreateQueueCommand, GetQueueAttributesCommand, ReceiveMessageCommand, SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { hearth, said, start } from '../../src/cli/testing/run-hearth.ts';
import { runDirectory } from '../../src/composition/run-directory.ts';
import { deferred, type Deferred } from '../../src/lib/deferred.ts';
import { Diary } from './diary.ts';
import { leavings, stillThere } from './leavings.ts';
import { ServerProcess } from './platform-process.ts';
import { clientOptions } from './server-credentials.ts';
import { until } from './until.ts';

const MANIFEST = { runtime: `nodejs${process.versions.node.split('.')[0]}.x`, handler: 'index.handler', timeoutSeconds: 120 };
const SHORT = 'limits: { drainMs: 100 }\n';

describe('a server that is told to end while something runs', () => {
  let home: string;
  let diary: Diary;
  /** What every run waits for once it has told the diary. */
  let hold: Deferred<void>;
  const homes: string[] = [];
  beforeEach(async () => {
    homes.push((home = mkdtempSync(join(tmpdir(), 'hearth-drain-'))));
    diary = await Diary.open();
    hold = deferred<void>();
    diary.hold = hold.promise;
  });
  afterEach(async () => {
    await ServerProcess.endAll();
    await diary[Symbol.asyncDispose]();
  });
  after(() => {
    for (const one of homes) rmSync(one, { recursive: true, force: true });
  });

  const started = async (config = '', more: object = {}, through: readonly string[] = []): Promise<ServerProcess> => {
    writeFileSync(join(home, 'config.yaml'), config);
    const server = await ServerProcess.start({ home, through });
    await server.deploy('diary', 'events-diary', { ...MANIFEST, ...more });
    return server;
  };
  const event = (server: ServerProcess, n: number) =>
    server.client.invoke({ functionName: 'diary', payload: Buffer.from(JSON.stringify({ n, post: diary.url })), invocationType: 'Event' });
  const begun = (count: number): Promise<unknown> => until(() => diary.entries.length === count);
  const numbers = (): number[] => diary.entries.map((e) => e.n);
  const outcomes = async (server: ServerProcess): Promise<string[]> =>
    (await server.client.usageRecords({ functionName: 'diary', limit: 10 })).map((r) => r.outcome);
  const succeeded = (server: ServerProcess, count: number): Promise<unknown> =>
    until(async () => (await server.client.events.list({ state: 'succeeded' })).events.length === count);
  const settled = async (family: ReturnType<ServerProcess['family']>): Promise<void> => {
    await until(() => stillThere(family).length === 0);
    assert.deepEqual(leavings(home, runDirectory(home, process.env)), []);
  };

  test('Ctrl-C in its terminal: the caller has the answer, usage says ok, nothing new is taken', async () => {
    const server = await started('', {}, ['setsid']);
    const called = server.call('diary', { n: 1, post: diary.url });
    await begun(1);
    const { endpoint } = await server.client.status();
    const [family, ended] = [server.family(), server.ended];
    await server.beginEnd('SIGINT', true);
    const refused = await fetch(`${endpoint}/healthz`);
    assert.deepEqual([refused.status, refused.headers.get('retry-after'), refused.headers.get('connection')], [503, '1', 'close']);
    hold.resolve();
    assert.deepEqual((await called).value, { n: 1 });
    assert.equal(await ended, 0);
    await settled(family);
    const next = await ServerProcess.start({ home });
    assert.deepEqual(await outcomes(next), ['ok']);
    await next.end('SIGTERM');
  });

  test('what runs has the server to the end: it may call another function', async () => {
    const server = await started();
    const called = server.call('diary', { n: 1, post: diary.url, calls: { functionName: 'diary', event: { n: 2, post: diary.url } } });
    await begun(1);
    const ended = server.ended;
    await server.beginEnd('SIGTERM');
    hold.resolve();
    assert.deepEqual((await called).value, { n: 1, called: { n: 2 } });
    assert.deepEqual(numbers(), [1, 2]);
    assert.equal(await ended, 0);
  });

  test('what outlives the drain is cut: no answer, usage says crash, an event is run by the next server', async () => {
    const server = await started(SHORT);
    const cut = assert.rejects(server.call('diary', { n: 1, post: diary.url }));
    await begun(1);
    await event(server, 2);
    await begun(2);
    const [family, ended] = [server.family(), server.ended];
    await server.beginEnd('SIGTERM');
    await cut;
    assert.equal(await ended, 0);
    await settled(family);
    hold.resolve();
    const next = await ServerProcess.start({ home });
    await begun(3);
    await succeeded(next, 1);
    assert.deepEqual(numbers(), [1, 2, 2]);
    assert.equal(diary.entries[1]?.requestId, diary.entries[2]?.requestId);
    assert.deepEqual((await outcomes(next)).sort(), ['crash', 'crash', 'ok']);
    await next.end('SIGTERM');
  });

  test('an event that runs is finished and not run again; one that waits is left to the next server', async () => {
    const server = await started('', { scaling: { max: 1 } });
    await event(server, 1);
    await begun(1);
    await event(server, 2);
    const ended = server.ended;
    await server.beginEnd('SIGTERM');
    hold.resolve();
    assert.equal(await ended, 0);
    assert.deepEqual(numbers(), [1]);
    const next = await ServerProcess.start({ home });
    await begun(2);
    await succeeded(next, 2);
    assert.deepEqual(numbers(), [1, 2]);
    await next.end('SIGTERM');
  });

  test('a second signal ends it at once, and the event is run by the next server', async () => {
    const server = await started();
    await event(server, 1);
    await begun(1);
    const [family, ended] = [server.family(), server.ended];
    await server.beginEnd('SIGTERM');
    server.child.kill('SIGTERM');
    assert.equal(await ended, 130);
    await until(() => stillThere(family).length === 0);
    hold.resolve();
    const next = await ServerProcess.start({ home });
    await begun(2);
    assert.deepEqual(numbers(), [1, 1]);
    await next.end('SIGTERM');
  });

  test('`hearth down` says what it waits for; another waits with it', async () => {
    const server = await started();
    const called = server.call('diary', { n: 1, post: diary.url });
    await begun(1);
    await using first = start(['down'], { env: { HEARTH_HOME: home } });
    await said(first, 'stderr', '1 invocation may take up to 10 s to end');
    await until(async () => (await hearth(['status'], { env: { HEARTH_HOME: home } })).code === 3);
    await using second = start(['down'], { env: { HEARTH_HOME: home } });
    await said(second, 'stderr', 'is ending already');
    hold.resolve();
    assert.deepEqual((await called).value, { n: 1 });
    assert.equal((await first.ended).code, 0);
    assert.equal((await second.ended).code, 0);
    assert.equal(await server.ended, 0);
  });

  test('a batch of a queue is finished, or back in the queue at once; who waits for messages is answered', async () => {
    const environment = { DIARY: diary.url };
    const server = await started();
    await server.deploy('tells', 'events-messages', { ...MANIFEST, environment });
    const options = clientOptions({ home, endpoint: server.client.endpoint });
    const [sqs, lambda] = [new SQSClient(options), new LambdaClient(options)];
    const create = async (QueueName: string) => (await sqs.send(new CreateQueueCommand({ QueueName }))).QueueUrl;
    const [QueueUrl, empty] = [await create('work'), await create('empty')];
    const EventSourceArn = 'arn:aws:sqs:us-east-1:000000000000:work';
    await lambda.send(new CreateEventSourceMappingCommand({ FunctionName: 'tells', EventSourceArn, BatchSize: 1 }));
    const waits = sqs.send(new ReceiveMessageCommand({ QueueUrl: empty, WaitTimeSeconds: 20 }));
    await sqs.send(new SendMessageCommand({ QueueUrl, MessageBody: 'finished' }));
    await begun(1);
    const ended = server.ended;
    await server.beginEnd('SIGTERM');
    hold.resolve();
    assert.deepEqual((await waits).Messages ?? [], []);
    assert.equal(await ended, 0);
    hold = deferred<void>();
    diary.hold = hold.promise;

    writeFileSync(join(home, 'config.yaml'), SHORT);
    const short = await ServerProcess.start({ home });
    const again = new SQSClient(clientOptions({ home, endpoint: short.client.endpoint }));
    await again.send(new SendMessageCommand({ QueueUrl, MessageBody: 'cut' }));
    await begun(2);
    assert.equal(await short.end('SIGTERM'), 0);
    hold.resolve();
    const last = await ServerProcess.start({ home });
    await begun(3);
    const emptied = new SQSClient(clientOptions({ home, endpoint: last.client.endpoint }));
    const AttributeNames = ['ApproximateNumberOfMessagesNotVisible' as const, 'ApproximateNumberOfMessages' as const];
    await until(async () => {
      const { Attributes } = await emptied.send(new GetQueueAttributesCommand({ QueueUrl, AttributeNames }));
      return Object.values(Attributes ?? {}).every((n) => n === '0');
    });
    assert.deepEqual(
      diary.entries.map((e) => e.event['bodies']),
      [['finished'], ['cut'], ['cut']],
    );
    for (const client of [sqs, lambda, again, emptied]) client.destroy();
    await last.end('SIGTERM');
  });
});
