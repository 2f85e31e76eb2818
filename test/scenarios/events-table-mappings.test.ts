import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import {
  CreateEventSourceMappingCommand,
  DeleteEventSourceMappingCommand,
  GetEventSourceMappingCommand,
  LambdaClient,
  UpdateEventSourceMappingCommand,
  type CreateEventSourceMappingCommandInput,
} from '@aws-sdk/client-lambda';
import { CreateQueueCommand, ReceiveMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import type { Client } from 'pg';
import { appClient } from '../fixtures/app-database.ts';
import { Diary } from './diary.ts';
import { languages, TestServer } from './platform-server.ts';
import { clientOptions } from './server-credentials.ts';
import { until } from './until.ts';

const ARN = 'arn:aws:hearth:us-east-1:000000000000:table/';

interface Row {
  readonly id: number;
  readonly key: number | null;
  readonly bad: boolean;
}

interface Discarded {
  readonly requestContext: { readonly condition: string; readonly approximateInvokeCount: number; readonly functionArn: string };
  readonly responseContext: { readonly functionError: string };
  readonly TableStreamBatchInfo: { readonly batchSize: number; readonly streamArn: string; readonly startSequenceNumber: string };
  readonly payload: string;
}

describe('event source mappings of tables, by Lambda’s API', () => {
  let server: TestServer;
  let diary: Diary;
  let app: Client;
  let lambda: LambdaClient;
  let sqs: SQSClient;
  before(async () => {
    [server, diary] = await Promise.all([TestServer.start(), Diary.open()]);
    app = await appClient(server.home);
    lambda = new LambdaClient(clientOptions(server));
    sqs = new SQSClient(clientOptions(server));
    const runtime = (await languages())[0]?.runtime;
    const manifest = { runtime, handler: 'index.handler', environment: { DIARY: diary.url } };
    await server.deploy('throws', 'events-tables', manifest);
    await server.deploy('reports', 'events-tables', { ...manifest, environment: { DIARY: diary.url, REPORT: '1' } });
  });
  after(async () => {
    await app.end();
    lambda.destroy();
    sqs.destroy();
    await diary[Symbol.asyncDispose]();
    assert.deepEqual(await server.end(), []);
  });
  const state = async (UUID: string) => (await lambda.send(new GetEventSourceMappingCommand({ UUID }))).State;
  /** A table with a mapping that streams. */
  async function mapped(table: string, input: Partial<CreateEventSourceMappingCommandInput>): Promise<string> {
    await app.query(`create table ${table} (id int primary key, key int, bad bool)`);
    const base = { FunctionName: 'throws', EventSourceArn: `${ARN}${table}`, StartingPosition: 'LATEST' as const };
    const made = await lambda.send(new CreateEventSourceMappingCommand({ ...base, ...input }));
    assert.equal(made.State, 'Creating');
    const uuid = made.UUID!;
    await until(async () => (await state(uuid)) === 'Enabled');
    return uuid;
  }
  /** What the function was given of a table, batch by batch. */
  const batches = (table: string): Row[][] => diary.entries.flatMap((e) => (e.event['table'] === table ? [e.event['rows'] as Row[]] : []));
  /** The rows of those batches that went well. */
  const good = (table: string): Row[] =>
    batches(table)
      .filter((rows) => rows.every((r) => !r.bad))
      .flat();
  const events = async (table: string) =>
    (await server.client.events.list({ source: 'database', prefix: `public.${table}`, limit: 1_000 })).events;
  const settled = (table: string) =>
    until(async () => {
      const found = await events(table);
      return found.length > 0 && found.every((e) => e.state === 'succeeded' || e.state === 'failed') ? found : null;
    });
  const queue = async (QueueName: string): Promise<string> => (await sqs.send(new CreateQueueCommand({ QueueName }))).QueueUrl!;
  const discarded = async (QueueUrl: string): Promise<Discarded> => {
    const { Messages } = await until(async () => {
      const answer = await sqs.send(new ReceiveMessageCommand({ QueueUrl, WaitTimeSeconds: 20 }));
      return answer.Messages === undefined ? null : answer;
    });
    return JSON.parse(Messages?.[0]?.Body ?? '') as Discarded;
  };

  test('a poison record is isolated by bisecting, goes to the destination, and holds no other back; the order of each key is kept', async () => {
    const url = await queue('poison');
    await mapped('bisected', {
      BatchSize: 64,
      ParallelizationFactor: 4,
      BisectBatchOnFunctionError: true,
      MaximumRetryAttempts: 1,
      DestinationConfig: { OnFailure: { Destination: 'arn:aws:sqs:us-east-1:000000000000:poison' } },
    });
    await app.query('insert into bisected select n, n % 8, n = 37 from generate_series(0, 199) n');
    const outcome = await discarded(url);
    assert.deepEqual(
      [outcome.requestContext.condition, outcome.requestContext.approximateInvokeCount, outcome.TableStreamBatchInfo.batchSize],
      ['RetryAttemptsExhausted', 2, 1],
    );
    assert.equal(outcome.TableStreamBatchInfo.streamArn, `${ARN}public.bisected`);
    assert.equal(outcome.responseContext.functionError, 'Unhandled');
    const { Records } = JSON.parse(outcome.payload) as { Records: { after: Row; eventID: string }[] };
    assert.deepEqual(
      Records.map((r) => r.after.id),
      [37],
    );
    assert.equal(Records[0]?.eventID, outcome.TableStreamBatchInfo.startSequenceNumber);
    await until(() => new Set(good('bisected').map((r) => r.id)).size === 199);
    const ends = await settled('bisected');
    assert.deepEqual(
      ends.filter((e) => e.state === 'failed').map((e) => e.reason),
      ['RetriesExhausted'],
    );
    const alone = batches('bisected').filter((rows) => rows.length === 1 && rows[0]?.bad === true);
    assert.equal(alone.length, 2, 'once, and its one retry');

    // Driven again, only what was given up is run.
    const seen = batches('bisected').length;
    await server.client.events.redrive({ state: 'failed', source: 'database' });
    const again = await until(() => batches('bisected')[seen]);
    assert.deepEqual(
      again.map((r) => r.id),
      [37],
    );
    assert.equal((await discarded(url)).TableStreamBatchInfo.batchSize, 1);
  });

  test('what a row’s changes are run in is the order they were committed in, failures or not', async () => {
    await mapped('ordered', { BatchSize: 5, ParallelizationFactor: 3, BisectBatchOnFunctionError: true, MaximumRetryAttempts: 0 });
    await app.query('insert into ordered select n, 0, n = 3 from generate_series(0, 5) n');
    for (let i = 1; i <= 10; i++) await app.query(`update ordered set key = ${i}`);
    await until(() => good('ordered').length === 5 * 11);
    for (const id of [0, 1, 2, 4, 5]) {
      const values = good('ordered').flatMap((r) => (r.id === id ? [r.key] : []));
      assert.deepEqual(
        values,
        Array.from({ length: 11 }, (_, n) => n),
      );
    }
  });

  test('the order of a row holds when ParallelizationFactor is changed while changes wait, up and down', async () => {
    const UUID = await mapped('reshared', { BatchSize: 3, ParallelizationFactor: 1, MaximumRetryAttempts: -1 });
    const change = async (input: { ParallelizationFactor?: number; MaximumRetryAttempts?: number }) => {
      await lambda.send(new UpdateEventSourceMappingCommand({ UUID, ...input }));
      await until(async () => (await state(UUID)) === 'Enabled');
    };
    const ordersOf = async () => new Set((await events('reshared')).map((e) => e.orderKey?.split('/')[1]?.split('-')[0]));
    await app.query('insert into reshared values (0, 0, true)'); // holds up all that comes behind it
    await app.query('insert into reshared select n, 0, false from generate_series(1, 8) n');
    await until(() => batches('reshared').length > 0);
    const stuck = (rows: Row[]) => rows.some((r) => r.bad);
    let value = 0;
    const write = async () => {
      for (let i = 0; i < 5; i++) await app.query(`update reshared set key = ${++value} where id > 0`);
    };
    await write();
    for (const [n, ParallelizationFactor] of [8, 3].entries()) {
      await change({ ParallelizationFactor });
      await write();
      await until(async () => (await ordersOf()).has(String(n + 1)));
    }
    // What was shared out anew is looked at, and not run while what is stuck may hold changes of its rows.
    await until(async () => (await events('reshared')).some((e) => e.orderKey?.includes('/1-') === true && e.attempts > 1));
    assert.ok(batches('reshared').every(stuck), 'nothing overtook');
    await change({ MaximumRetryAttempts: 0 });
    await until(() => new Set(good('reshared').flatMap((r) => (r.key === value ? [r.id] : []))).size === 8);
    for (let id = 1; id <= 8; id++) {
      const values = good('reshared').flatMap((r) => (r.id === id ? [r.key] : []));
      const all = Array.from({ length: value + 1 }, (_, k) => k);
      // Those that shared a batch with the one that was given up went with it.
      assert.deepEqual(values, all.slice(all.length - values.length), `row ${id}`);
      assert.ok(values.length >= value);
    }
  });

  test('ReportBatchItemFailures: what lies before the lowest failure is done, the rest is tried again from there and given up together', async () => {
    const url = await queue('reported');
    await mapped('reported', {
      FunctionName: 'reports',
      MaximumRetryAttempts: 1,
      FunctionResponseTypes: ['ReportBatchItemFailures'],
      DestinationConfig: { OnFailure: { Destination: 'arn:aws:sqs:us-east-1:000000000000:reported' } },
    });
    await app.query('insert into reported select n, 0, n in (4, 7) from generate_series(0, 9) n');
    const outcome = await discarded(url);
    assert.equal(outcome.TableStreamBatchInfo.batchSize, 6);
    assert.deepEqual(
      batches('reported').map((rows) => rows.map((r) => r.id)),
      [
        [0, 1, 2, 3, 4, 5, 6, 7, 8, 9],
        [4, 5, 6, 7, 8, 9],
      ],
    );
  });

  test('filters drop what does not fit; TRIM_HORIZON begins with the rows that are there', async () => {
    await app.query(
      'create table wanted (id int primary key, key int, bad bool); insert into wanted select n, n % 2 from generate_series(0, 9) n',
    );
    const filter = { Filters: [{ Pattern: JSON.stringify({ op: ['r', 'c'], after: { key: [1] } }) }] };
    const input = { FunctionName: 'throws', EventSourceArn: `${ARN}public.wanted`, StartingPosition: 'TRIM_HORIZON' as const };
    await lambda.send(new CreateEventSourceMappingCommand({ ...input, FilterCriteria: filter }));
    await until(() => batches('wanted').flat().length === 5);
    await app.query('insert into wanted values (10, 0), (11, 1)');
    await app.query('update wanted set bad = false');
    await app.query('insert into wanted values (13, 1)');
    await until(() => batches('wanted').flat().length === 7);
    assert.deepEqual(
      batches('wanted')
        .flat()
        .map((r) => r.id),
      [1, 3, 5, 7, 9, 11, 13],
    );
    await assert.rejects(lambda.send(new CreateEventSourceMappingCommand(input)), { name: 'ResourceConflictException' });
  });

  test('it is stopped and started: what changes meanwhile waits; a mapping that goes leaves nothing', async () => {
    const UUID = await mapped('stopped', { MaximumRetryAttempts: -1 });
    await app.query('insert into stopped values (1, 0, true)');
    await until(() => batches('stopped').length > 0); // it is retried for ever now
    await lambda.send(new UpdateEventSourceMappingCommand({ UUID, Enabled: false }));
    await until(async () => (await state(UUID)) === 'Disabled');
    await app.query('insert into stopped values (2, 0, false)');
    await until(async () => (await events('stopped')).some((e) => e.state === 'ready'));
    await lambda.send(new UpdateEventSourceMappingCommand({ UUID, Enabled: true, MaximumRetryAttempts: 0 }));
    await until(async () => (await state(UUID)) === 'Enabled');
    await until(() => batches('stopped').some((rows) => rows.some((r) => r.id === 2)));
    await lambda.send(new DeleteEventSourceMappingCommand({ UUID }));
    await assert.rejects(state(UUID), { name: 'ResourceNotFoundException' });
    const slot = `hearth_${UUID.replaceAll('-', '_')}`;
    await until(async () => (await app.query('select 1 from pg_replication_slots where slot_name = $1', [slot])).rows.length === 0);
  });

  test('a deployment leaves mappings alone; they go with their function', async () => {
    const UUID = await mapped('kept', { FunctionName: 'reports' });
    const runtime = (await languages())[0]?.runtime;
    await server.deploy('reports', 'events-tables', { runtime, handler: 'index.handler', environment: { DIARY: diary.url, REPORT: '2' } });
    await app.query('insert into kept values (1, 0, false)');
    await until(() => batches('kept').length === 1);
    await server.client.remove('reports');
    await until(async () =>
      state(UUID).then(
        () => false,
        () => true,
      ),
    );
    const slot = `hearth_${UUID.replaceAll('-', '_')}`;
    await until(async () => (await app.query('select 1 from pg_replication_slots where slot_name = $1', [slot])).rows.length === 0);
  });

  test('a trigger in hearth.yaml says the same by its keys', async () => {
    const url = await queue('declared');
    await app.query('create table declared (id int primary key, key int, bad bool)');
    const database = { table: 'declared', bisect: true, retries: 0, onFailure: { queue: 'declared' }, filters: [{ after: { key: [0] } }] };
    const manifest = { runtime: (await languages())[0]?.runtime, handler: 'index.handler', environment: { DIARY: diary.url } };
    await server.deploy('declares', 'events-tables', { ...manifest, triggers: [{ database }] });
    await until(async () => (await server.client.triggers('declares')).some((t) => t.state === 'running'));
    await app.query('insert into declared select n, n % 2, n = 4 from generate_series(0, 9) n');
    assert.equal((await discarded(url)).TableStreamBatchInfo.batchSize, 1);
    await until(() => new Set(good('declared').map((r) => r.id)).size === 4);
    await assert.rejects(
      server.deploy('declares', 'events-tables', { ...manifest, triggers: [{ database: { ...database, maxRecordAgeSeconds: 5 } }] }),
      /maxRecordAgeSeconds: must be at least 60, not 5/,
    );
  });

  test('what can’t be is refused', async () => {
    const create = (input: object) =>
      lambda.send(
        new CreateEventSourceMappingCommand({ FunctionName: 'throws', EventSourceArn: `${ARN}t`, StartingPosition: 'LATEST', ...input }),
      );
    const invalid = { name: 'InvalidParameterValueException' };
    await assert.rejects(create({ EventSourceArn: 'arn:aws:kinesis:us-east-1:000000000000:stream/s' }), invalid);
    await assert.rejects(create({ EventSourceArn: `${ARN}hearth.delivery` }), { ...invalid, message: /own table/ });
    await assert.rejects(create({ StartingPosition: undefined }), invalid);
    await assert.rejects(create({ StartingPosition: 'AT_TIMESTAMP' }), invalid);
    await assert.rejects(create({ MaximumRecordAgeInSeconds: 10 }), invalid);
    await assert.rejects(create({ TumblingWindowInSeconds: 60 }), invalid);
    await assert.rejects(create({ EventSourceArn: 'arn:aws:sqs:us-east-1:000000000000:q', BisectBatchOnFunctionError: true }), invalid);
    await assert.rejects(create({ DestinationConfig: { OnFailure: { Destination: 'arn:aws:sns:us-east-1:000000000000:t' } } }), invalid);
  });
});
