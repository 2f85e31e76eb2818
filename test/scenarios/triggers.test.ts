import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Client } from 'pg';
import { appClient } from '../fixtures/app-database.ts';
import type { SeenRecord } from '../fixtures/changes.ts';
import { Diary } from './diary.ts';
import { handlerOf, languages, TestServer, type Manifest } from './platform-server.ts';
import { until } from './until.ts';

describe('triggers, from hearth.yaml to the function', () => {
  let server: TestServer;
  let diary: Diary;
  let app: Client;
  let runtime = '';
  before(async () => {
    [server, diary] = await Promise.all([TestServer.start(), Diary.open()]);
    app = await appClient(server.home);
    runtime = (await languages())[0]?.runtime ?? '';
  });
  after(async () => {
    await app.end();
    await diary[Symbol.asyncDispose]();
    assert.deepEqual(await server.end(), []);
  });
  const deploy = (name: string, triggers: unknown[]) => {
    const manifest: Manifest = { runtime, handler: handlerOf('node'), environment: { DIARY: diary.url }, triggers };
    return server.deploy(name, 'triggers-diary', manifest);
  };
  const events = (): Readonly<Record<string, unknown>>[] => diary.entries.map((e) => e.event);
  const recordsOf = (table: string): SeenRecord[] =>
    events()
      .flatMap((e) => (e['Records'] as SeenRecord[] | undefined) ?? [])
      .filter((r) => r.source['table'] === table);
  const slots = async (): Promise<number> =>
    (await app.query("select 1 from pg_replication_slots where slot_name like 'hearth%'")).rows.length;

  test('a schedule invokes the function with its input, and is listed with its times', async () => {
    const deployed = await deploy('ticks', [{ schedule: { everySeconds: 1, input: { at: '<aws.scheduler.scheduled-time>' } } }]);
    assert.deepEqual(deployed.warnings, []);
    await until(() => events().filter((e) => /^\d{4}-.*Z$/.test(String(e['at']))).length >= 2);
    // The function may run before the schedule has heard that its event is in the ledger.
    const listed = await until(async () => (await server.client.triggers('ticks')).find((t) => t.events >= 2 && t.state === 'running'));
    assert.equal(listed.subject, 'every 1 s');
    assert.ok(listed.lastFiredMs !== null && listed.nextMs !== null);
    await server.client.remove('ticks');
    await until(async () => (await server.client.triggers()).length === 0);
  });

  test('what is wrong with a trigger is said at the deployment, by its path', async () => {
    await assert.rejects(deploy('wrong', [{ schedule: { cron: '0 6 * * ? *' } }]), /triggers\[0\]\.schedule\.cron: .*written cron/);
    await assert.rejects(deploy('wrong', [{ database: { table: 'hearth.function' } }]), /triggers\[0\]\.database\.table: .*system/);
    await assert.rejects(
      deploy('wrong', [{ database: { table: 'a' } }, { database: { table: 'public.a' } }]),
      /the same trigger as triggers\[0\]/,
    );
    assert.deepEqual(await server.client.triggers(), []);
  });

  test('rows of a table reach the function; a changed batch size keeps the slot; without the trigger it goes', async () => {
    await app.query('create table orders (id int primary key, state text)');
    await deploy('rows', [{ database: { table: 'orders' } }]);
    await until(async () => (await server.client.triggers('rows'))[0]?.state === 'running');
    await app.query("insert into orders select i, 'new' from generate_series(1, 250) i");
    await until(() => recordsOf('orders').length >= 250);
    const [before] = await server.client.triggers('rows');
    await deploy('rows', [{ database: { table: 'orders', batchSize: 5 } }]);
    await app.query("update orders set state = 'old' where id <= 20");
    await until(() => recordsOf('orders').length >= 270);
    const [after] = await server.client.triggers('rows');
    assert.equal(after?.id, before?.id);
    assert.ok(diary.entries.slice(-4).every((e) => (e.event['Records'] as unknown[]).length <= 5));
    assert.equal(new Set(recordsOf('orders').map((r) => r.eventID)).size, 270);
    assert.equal(await slots(), 1);
    await deploy('rows', []);
    await until(async () => (await slots()) === 0);
    await until(async () => (await server.client.triggers('rows')).length === 0);
  });

  test('a removed function takes its slot with it', async () => {
    await app.query('create table gone (id int primary key)');
    await deploy('leaves', [{ database: { table: 'gone' } }]);
    await until(async () => (await slots()) === 1);
    await server.client.remove('leaves');
    await until(async () => (await slots()) === 0);
    await until(async () => (await app.query('select 1 from pg_publication')).rows.length === 0);
  });

  test('another database, by a variable of the function', async () => {
    const { host, user, password } = app as unknown as { host: string; user: string; password: string };
    await app.query('create database elsewhere');
    const url = `postgresql://${user}:${encodeURIComponent(password)}@${encodeURIComponent(host)}/elsewhere`;
    const manifest = { runtime, handler: handlerOf('node'), triggers: [{ database: { table: 't', connection: 'ORDERS' } }] };
    await server.deploy('far', 'triggers-diary', { ...manifest, environment: { DIARY: diary.url } });
    await until(async () => /variable ORDERS is not set/.test((await server.client.triggers('far'))[0]?.detail ?? ''));
    await server.deploy('far', 'triggers-diary', { ...manifest, environment: { DIARY: diary.url, ORDERS: url } });
    await until(async () => /no such table yet/.test((await server.client.triggers('far'))[0]?.detail ?? ''));
    await server.client.remove('far');
    // Listed until what it made elsewhere is gone; then there is nothing of that name.
    await until(async () => (await server.client.triggers()).length === 0);
    await assert.rejects(server.client.triggers('far'), { status: 404, errorType: 'ResourceNotFoundException' });
  });
});
