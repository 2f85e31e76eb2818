import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import {
  CreateEventSourceMappingCommand,
  GetEventSourceMappingCommand,
  LambdaClient,
  UpdateEventSourceMappingCommand,
  type CreateEventSourceMappingCommandInput,
} from '@aws-sdk/client-lambda';
import { CreateQueueCommand, SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import type { Client } from 'pg';
import { appClient } from '../fixtures/app-database.ts';
import { Diary } from './diary.ts';
import { languages, TestServer } from './platform-server.ts';
import { clientOptions } from './server-credentials.ts';
import { until } from './until.ts';

interface Row {
  readonly id: number;
  readonly key: number;
  readonly bad: boolean;
}

describe('an event source mapping that is moved to another function', () => {
  let server: TestServer;
  let diary: Diary;
  let app: Client;
  let lambda: LambdaClient;
  let sqs: SQSClient;
  let runtime: string | undefined;
  before(async () => {
    [server, diary] = await Promise.all([TestServer.start(), Diary.open()]);
    app = await appClient(server.home);
    lambda = new LambdaClient(clientOptions(server));
    sqs = new SQSClient(clientOptions(server));
    runtime = (await languages())[0]?.runtime;
  });
  after(async () => {
    await app.end();
    lambda.destroy();
    sqs.destroy();
    await diary[Symbol.asyncDispose]();
    assert.deepEqual(await server.end(), []);
  });
  const deploy = (name: string, folder: string, environment: object = {}) =>
    server.deploy(name, folder, {
      runtime,
      handler: 'index.handler',
      timeoutSeconds: 30,
      environment: { DIARY: diary.url, ...environment },
    });
  const map = async (input: CreateEventSourceMappingCommandInput): Promise<string> => {
    const { UUID = '' } = await lambda.send(new CreateEventSourceMappingCommand(input));
    await enabled(UUID);
    return UUID;
  };
  const enabled = (UUID: string) => until(async () => (await lambda.send(new GetEventSourceMappingCommand({ UUID }))).State === 'Enabled');
  const update = (UUID: string, more: object) => lambda.send(new UpdateEventSourceMappingCommand({ UUID, ...more }));
  const told = (name: string) => diary.entries.filter((e) => e.event['function'] === name);
  const table = (name: string) => `arn:aws:hearth:us-east-1:000000000000:table/${name}`;

  /** The rows of a table as they were run without a failure: `throws` fails for every batch with a bad row, the others for none. */
  const good = (of: string): Row[] =>
    diary.entries
      .filter((e) => e.event['table'] === of)
      .flatMap((e) => {
        const rows = e.event['rows'] as Row[];
        return e.event['function'] === 'throws' && rows.some((r) => r.bad) ? [] : rows;
      });

  test('changes that wait, and those that run and fail, go to the other, in the order of each row; what comes later, too', async () => {
    await deploy('throws', 'events-tables');
    await deploy('takes', 'events-tables', { REPORT: '1' });
    await app.query('create table moved (id int primary key, key int, bad bool)');
    const base = { StartingPosition: 'LATEST' as const, BatchSize: 3, ParallelizationFactor: 2, MaximumRetryAttempts: -1 };
    const UUID = await map({ FunctionName: 'throws', EventSourceArn: table('moved'), ...base });
    await app.query('insert into moved select n, 0, n = 0 from generate_series(0, 8) n');
    let value = 0;
    const write = async () => {
      for (let i = 0; i < 5; i++) await app.query('update moved set key = $1 where not bad', [++value]);
    };
    await write();
    const bad = () => told('throws').filter((e) => (e.event['rows'] as Row[]).some((r) => r.bad)).length;
    await until(() => bad() > 0);
    // Moved in the middle of an attempt.
    let go = (): void => {};
    const before = bad();
    diary.hold = new Promise((resolve) => (go = resolve));
    await until(() => bad() > before);
    await update(UUID, { FunctionName: 'takes' });
    const at = diary.entries.length;
    await write();
    await until(async () => (await server.client.events.list({ functionName: 'takes', state: 'waiting' })).events.length > 0);
    go();
    diary.hold = Promise.resolve();
    await until(() => new Set(good('moved').flatMap((r) => (r.key === value ? [r.id] : []))).size === 8);
    await until(() => good('moved').some((r) => r.bad));
    for (let id = 1; id <= 8; id++) {
      const values = good('moved').flatMap((r) => (r.id === id ? [r.key] : []));
      assert.deepEqual(
        [...new Set(values)],
        Array.from({ length: value + 1 }, (_, k) => k),
        `row ${id}`,
      );
    }
    const after = diary.entries.slice(at);
    assert.ok(
      after.every((e) => e.event['function'] === 'takes'),
      'the other one alone is asked',
    );
    const { FunctionArn } = await lambda.send(new GetEventSourceMappingCommand({ UUID }));
    assert.equal(FunctionArn, 'arn:aws:lambda:us-east-1:000000000000:function:takes');
    await until(async () => (await server.client.events.list({ functionName: 'throws', state: 'waiting' })).events.length === 0);
    assert.deepEqual((await server.client.events.list({ source: 'database', state: 'failed' })).events, []);
  });

  test('moved while it is stopped, and the function of before removed: what waited in the ledger is the other’s', async () => {
    await deploy('first', 'events-tables');
    await deploy('second', 'events-tables', { REPORT: '1' });
    await app.query('create table halted (id int primary key, key int, bad bool)');
    const input = { FunctionName: 'first', EventSourceArn: table('halted'), StartingPosition: 'LATEST' as const };
    const UUID = await map({ ...input, MaximumRetryAttempts: -1 });
    await app.query('insert into halted values (1, 0, true)');
    await until(() => told('first').length > 0);
    await update(UUID, { Enabled: false });
    await until(async () => (await lambda.send(new GetEventSourceMappingCommand({ UUID }))).State === 'Disabled');
    await update(UUID, { FunctionName: 'second' });
    await server.client.remove('first');
    await app.query('insert into halted values (2, 0, false)');
    await update(UUID, { Enabled: true });
    await until(() => told('second').flatMap((e) => e.event['rows'] as Row[]).length === 2);
    assert.deepEqual(
      told('second').flatMap((e) => (e.event['rows'] as Row[]).map((r) => r.id)),
      [1, 2],
    );
    await assert.rejects(lambda.send(new CreateEventSourceMappingCommand({ ...input, FunctionName: 'second' })), {
      name: 'ResourceConflictException',
    });
  });

  test('messages that wait, and those that run and fail, go to the other at once, each group in its order; a function has one mapping of a queue', async () => {
    await deploy('drops', 'events-messages', { FAIL: '1' });
    await deploy('keeps', 'events-messages');
    const attributes = { FifoQueue: 'true', VisibilityTimeout: '600' };
    const { QueueUrl } = await sqs.send(new CreateQueueCommand({ QueueName: 'moved.fifo', Attributes: attributes }));
    const EventSourceArn = 'arn:aws:sqs:us-east-1:000000000000:moved.fifo';
    const send = (body: string) =>
      sqs.send(new SendMessageCommand({ QueueUrl, MessageBody: body, MessageGroupId: 'g', MessageDeduplicationId: body }));
    const UUID = await map({ FunctionName: 'drops', EventSourceArn, BatchSize: 1 });
    let go = (): void => {};
    diary.hold = new Promise((resolve) => (go = resolve));
    for (const body of ['1', '2', '3']) await send(body);
    await until(() => told('drops').length > 0);
    await update(UUID, { FunctionName: 'keeps' });
    const waiting = await server.client.events.list({ functionName: 'keeps', state: 'waiting' });
    assert.equal(waiting.events.length, 2); // one runs
    go();
    diary.hold = Promise.resolve();
    // The queue itself would hide what failed for ten minutes.
    await until(() => told('keeps').length === 3);
    await send('4');
    await until(() => told('keeps').length === 4);
    const bodies = (name: string) => told(name).flatMap((e) => e.event['bodies'] as string[]);
    assert.deepEqual([bodies('drops'), bodies('keeps')], [['1'], ['1', '2', '3', '4']]);
    const ended = async (functionName: string) =>
      (await server.client.events.list({ functionName, source: 'queue' })).events.map((e) => `${e.state} ${e.reason} ${e.attempts}`);
    assert.deepEqual(await ended('drops'), ['failed ReturnedToQueue 1']);
    await until(async () => (await ended('keeps')).every((e) => e.startsWith('succeeded')));
    const other = await map({ FunctionName: 'drops', EventSourceArn });
    await assert.rejects(update(other, { FunctionName: 'keeps' }), { name: 'ResourceConflictException' });
  });
});
