import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { LambdaClient, PutFunctionEventInvokeConfigCommand } from '@aws-sdk/client-lambda';
import { PutObjectCommand, type S3Client } from '@aws-sdk/client-s3';
import { Client, Pool } from 'pg';
import { insertAnswer } from '../../src/triggers/ledger/table-destination.ts';
import { appClient } from '../fixtures/app-database.ts';
import type { SeenRecord } from '../fixtures/changes.ts';
import { ownerOf } from './app-database.ts';
import { Diary } from './diary.ts';
import { languages, TestServer } from './platform-server.ts';
import { s3Client } from './s3-clients.ts';
import { clientOptions } from './server-credentials.ts';
import { until } from './until.ts';

describe('a table as a destination', () => {
  let server: TestServer;
  let diary: Diary;
  let app: Client;
  let s3: S3Client;
  let runtime: string | undefined;
  before(async () => {
    [server, diary] = await Promise.all([TestServer.start(), Diary.open()]);
    app = await appClient(server.home);
    s3 = s3Client(server);
    runtime = (await languages())[0]?.runtime;
  });
  after(async () => {
    s3.destroy();
    await app.end();
    await diary[Symbol.asyncDispose]();
    assert.deepEqual(await server.end(), []);
  });
  const deploy = (name: string, folder: string, more: object) =>
    server.deploy(name, folder, { runtime, handler: 'index.handler', environment: { DIARY: diary.url }, ...more });
  const call = (name: string, answer: unknown) => {
    const payload = Buffer.from(typeof answer === 'string' ? answer : JSON.stringify(answer));
    return server.client.invoke({ functionName: name, payload, invocationType: 'Event' });
  };
  const rows = async (text: string): Promise<Record<string, unknown>[]> => (await app.query<Record<string, unknown>>(text)).rows;
  const failures = async () => (await server.client.events.list({ source: 'destination', state: 'failed' })).events;

  test('a pipeline by naming: a picture, what was seen in it as rows, and the function on these', async () => {
    await app.query('create table seen (picture text, n int, class text default $$thing$$, primary key (picture, n))');
    await deploy('sees', 'answers', {
      environment: { ANSWER: 'sees' },
      triggers: [{ objects: 'pics/*.jpg' }],
      async: { onSuccess: { table: 'seen' } },
    });
    await deploy('counts', 'triggers-diary', { triggers: [{ database: 'seen' }] });
    await until(async () => (await server.client.triggers('counts')).every((t) => t.state === 'running'));
    await s3.send(new PutObjectCommand({ Bucket: 'pics', Key: 'a/b.jpg', Body: 'x' }));
    const records = await until(() => {
      const all = diary.entries.flatMap((e) => (e.event['Records'] as SeenRecord[] | undefined) ?? []);
      return all.length >= 2 ? all : null;
    });
    assert.deepEqual(
      records.map((r) => r.after).sort((a, b) => Number(a?.['n']) - Number(b?.['n'])),
      [
        { picture: 'a/b.jpg', n: 1, class: 'cat' },
        { picture: 'a/b.jpg', n: 2, class: 'thing' },
      ],
    );
    const [told] = (await server.client.events.list({ source: 'destination' })).events;
    assert.deepEqual([told?.destination, told?.state, told?.subject], ['table:public.seen', 'succeeded', 'pics/a/b.jpg']);
    // The same picture again, as after a failure: its rows are there once.
    assert.equal(await server.client.events.redrive({ prefix: 'pics/', state: 'succeeded', source: 'objects' }), 1);
    await until(async () => {
      const { events } = await server.client.events.list({ source: 'destination', state: 'succeeded' });
      return events.length === 2;
    });
    assert.equal((await rows('select * from seen')).length, 2);
  });

  test('one object; nothing for null; what the table does not take is a failure that says why', async () => {
    await app.query('create table made (id numeric primary key, j jsonb, at timestamptz default now(), n int check (n > 0))');
    await deploy('echoes', 'answers', { async: { onSuccess: { table: 'public.made' } } });
    await call('echoes', '{"id": 1.5, "j": {"a": [1]}, "n": 1}');
    const [row] = await until(async () => {
      const found = await rows('select id::text, j, at is not null as at, n from made');
      return found.length > 0 ? found : null;
    });
    assert.deepEqual(row, { id: '1.5', j: { a: [1] }, at: true, n: 1 });
    await call('echoes', 'null');
    for (const [answer, why] of [
      ['{"id": 2, "none": 1}', /column "none" of relation "made" does not exist/],
      ['[{"id": 3}, {"id": 4, "n": 0}]', /violates check constraint/],
      ['{"id": "x"}', /invalid input syntax for type numeric/],
      ['[1]', /an answer for a table is an object, or a list of objects/],
    ] as const) {
      const before = (await failures()).length;
      await call('echoes', answer);
      await until(async () => (await failures()).length === before + 1);
      const [failed] = await failures();
      assert.equal(failed?.reason, 'DestinationRefused');
      const [detail] = await server.client.events.show(failed?.eventId ?? '');
      assert.match(detail?.history.at(-1)?.message ?? '', why, answer);
    }
    assert.equal((await rows('select 1 from made')).length, 1, 'all of an answer or none');
    // As a function in a language without JavaScript's numbers answers.
    const pool = new Pool({ ...ownerOf(server.home), max: 1 });
    const { outcome } = await insertAnswer(pool, 'public.made', { body: Buffer.from('{"id": 12345678901234567890.5}'), lineage: '' });
    await pool.end();
    assert.deepEqual([outcome, await rows('select id::text from made where n is null')], ['ok', [{ id: '12345678901234567890.5' }]]);
  });

  test('a table that comes later is waited for; the rights are those of functions', async () => {
    await deploy('early', 'answers', { async: { onSuccess: { table: 'later' } } });
    await call('early', { id: 1 });
    await until(async () => {
      const { events } = await server.client.events.list({ source: 'destination', state: 'waiting' });
      return events.some((e) => e.destination === 'table:public.later' && e.attempts > 0);
    });
    await app.query('create table later (id int primary key)');
    await until(async () => (await rows('select id from later')).length === 1);
    const [owner] = await rows("select rolsuper from pg_roles where rolname = 'hearth_functions'");
    assert.deepEqual(owner, { rolsuper: false });
    await app.query('create table whose (who text default current_user, session text default session_user, id int)');
    await deploy('whose', 'answers', { async: { onSuccess: { table: 'whose' } } });
    await call('whose', { id: 1 });
    const [who] = await until(async () => {
      const found = await rows('select who, session from whose');
      return found.length > 0 ? found : null;
    });
    assert.deepEqual(who, { who: 'hearth_functions', session: 'hearth_functions' });
  });

  test('another server, by a variable of the function; without the variable it waits and says so', async () => {
    await app.query('create database elsewhere');
    const { host, user, password } = ownerOf(server.home) as { host: string; user: string; password: string };
    const url = `postgresql://${user}:${encodeURIComponent(password)}@${encodeURIComponent(host)}/elsewhere`;
    const other = new Client({ connectionString: url });
    await other.connect();
    await other.query('create table far (id int primary key)');
    const async = { onSuccess: { table: 'far', connection: 'RESULTS' } };
    await deploy('far', 'answers', { async });
    await call('far', { id: 7 });
    const waiting = await until(async () => {
      const { events } = await server.client.events.list({ source: 'destination', state: 'waiting' });
      return events.find((e) => e.destination === 'table:RESULTS/public.far' && e.attempts > 0);
    });
    const [detail] = await server.client.events.show(waiting.eventId);
    assert.match(detail?.history.at(-1)?.message ?? '', /the variable RESULTS is not set/);
    await deploy('far', 'answers', { async, environment: { RESULTS: url } });
    await until(async () => (await other.query('select 1 from far where id = 7')).rows.length === 1);
    await other.end();
  });

  test('what can’t be is refused, in hearth.yaml and by Lambda’s API', async () => {
    const refused = (async: object, why: RegExp) => assert.rejects(deploy('wrong', 'answers', { async }), why);
    await refused({ onFailure: { table: 'made' } }, /onFailure/);
    await refused({ onSuccess: { table: 'hearth.delivery' } }, /system’s own table/);
    await refused({ onSuccess: { table: 'a', queue: 'b' } }, /exactly one of/);
    await refused({ onSuccess: { queue: 'b', connection: 'C' } }, /only table has it/);
    const lambda = new LambdaClient(clientOptions(server));
    const put = (DestinationConfig: object) =>
      lambda.send(new PutFunctionEventInvokeConfigCommand({ FunctionName: 'echoes', DestinationConfig }));
    const Destination = 'arn:aws:hearth:us-east-1:000000000000:table/made';
    await assert.rejects(put({ OnFailure: { Destination } }), /told of successes only/);
    await put({ OnSuccess: { Destination } });
    lambda.destroy();
  });
});
