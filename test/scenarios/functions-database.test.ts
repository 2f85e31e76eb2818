import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { Client, DatabaseError } from 'pg';
import { dropDefinitionWatch, watchDefinitions } from '../../src/triggers/database/definitions.ts';
import { publish } from '../../src/triggers/database/publications.ts';
import { adminPool } from '../../src/triggers/database/sessions.ts';
import { dropUnfollowed, watchSessions } from '../../src/triggers/database/session-triggers.ts';
import { settingsOf } from '../../src/triggers/database/settings.ts';
import { ownerOf } from './app-database.ts';
import { languages, TestServer } from './platform-server.ts';

interface Seen {
  readonly url: string | null;
  readonly outcome: string;
}

describe('the database app, as functions have it', () => {
  let server: TestServer;
  let url: string;
  const ask = async (event: object = {}): Promise<Seen> => (await server.call('sees', event)).value as Seen;
  const deploy = async (environment: Record<string, string>): Promise<void> => {
    const [node] = await languages();
    await server.deploy('sees', 'node-database', { runtime: node?.runtime, handler: 'index.handler', environment });
  };
  before(async () => {
    server = await TestServer.start();
    await deploy({});
    url = (await ask()).url ?? '';
  });
  after(async () => assert.deepEqual(await server.end(), []));

  /** Runs statements as a function would. */
  const asFunction = async (text: string, database = 'app'): Promise<unknown[]> => {
    const client = new Client({ connectionString: url.replace('@/app?', `@/${database}?`) });
    await client.connect();
    try {
      const { rows } = await client.query({ text, rowMode: 'array' });
      return rows as unknown[];
    } finally {
      await client.end();
    }
  };
  test('a confined function reaches it by DATABASE_URL, and not by the owner’s socket', async () => {
    assert.match(url, /^postgresql:\/\/hearth_functions:[\w-]+@\/app\?host=/);
    assert.equal((await ask()).outcome, 'connected');
    const { outcome } = await ask({ path: join(server.home, 'postgres', 'data', '.s.PGSQL.5432') });
    assert.ok(['ENOENT', 'EACCES'].includes(outcome), outcome);
  });

  test('a function that sets DATABASE_URL means another one', async () => {
    await deploy({ DATABASE_URL: 'postgresql://elsewhere/shop' });
    assert.equal((await ask({ path: '/nowhere' })).url, 'postgresql://elsewhere/shop');
  });

  test('its tables are its own, and the owner’s are there for it to read and write', async () => {
    await asFunction('create table own (id integer primary key)');
    const pool = adminPool(ownerOf(server.home));
    await pool.query('create table public.orders (id serial primary key, what text)');
    await pool.end();
    await asFunction("insert into orders (what) values ('cup')");
    assert.deepEqual(await asFunction('select what from orders'), [['cup']]);
    await assert.rejects(asFunction('drop table orders'), code('42501'));
  });

  test('there is no way into Hearth’s own database, nor to what a superuser may', async () => {
    for (const database of ['hearth', 'postgres', 'template1'])
      await assert.rejects(asFunction('select 1', database), code('42501'), database);
    const refused = [
      'create role other superuser',
      'alter role hearth_functions superuser',
      'set role hearth',
      "select pg_read_file('PG_VERSION')",
      "copy (select 1) to program 'true'",
      "select pg_create_logical_replication_slot('mine', 'pgoutput')",
      'create database other',
      "alter system set listen_addresses = '*'",
    ];
    for (const statement of refused) await assert.rejects(asFunction(statement), code('42501'), statement);
  });

  test('what a function makes in the searched schema is not run with Hearth’s rights', async () => {
    await asFunction(`create table caught (who text);
      create function public.array_remove(text[], text) returns text[] language plpgsql as
        $$ begin insert into public.caught values (current_user); return $1; end $$`);
    const pool = adminPool(ownerOf(server.home));
    try {
      const settings = settingsOf({ table: 'own' });
      // The second looks at what the first has made.
      for (const _ of [1, 2]) assert.equal((await publish(pool, 'trap', settings)).publications.length, 2);
      await pool.query('drop publication hearth_trap, hearth_trap_i');
    } finally {
      await pool.end();
    }
    assert.deepEqual(await asFunction('select who from caught'), []);
    // The trap is one: a session that searches the schema runs into it.
    const careless = new Client(ownerOf(server.home));
    await careless.connect();
    await careless.query("select array_remove(array['a'], null)");
    await careless.end();
    assert.deepEqual(await asFunction('select who from caught'), [['hearth']]);
  });

  test('a schema that a function made where Hearth has its triggers is not used', async () => {
    await asFunction(`create schema hearth_triggers;
      create function hearth_triggers.hearth_session() returns trigger language plpgsql as $$ begin return null; end $$;
      create table followed (id int primary key);
      create trigger hearth_session before insert on followed execute function hearth_triggers.hearth_session()`);
    const pool = adminPool(ownerOf(server.home));
    try {
      const { tables } = settingsOf({ table: 'followed' });
      for (const _ of [1, 2]) {
        assert.equal(await watchDefinitions(pool, 'squat', tables), true);
        await watchSessions(pool, tables);
      }
      const { rows } = await pool.query<{ owner: string }>(
        `select distinct pg_get_userbyid(owner) as owner from (
           select nspowner as owner from pg_namespace where nspname = 'hearth_triggers' union
           select proowner from pg_event_trigger e join pg_proc p on p.oid = e.evtfoid where evtname ~ '^hearth_' union
           select proowner from pg_trigger t join pg_proc p on p.oid = t.tgfoid where tgname = 'hearth_session') o`,
      );
      assert.deepEqual(rows, [{ owner: 'hearth' }]);
      await assert.rejects(asFunction('drop function hearth_triggers.hearth_squat() cascade'), code('42501'));
      await dropDefinitionWatch(pool, 'squat');
      await dropUnfollowed(pool);
    } finally {
      await pool.end();
    }
    assert.deepEqual(await asFunction("select count(*)::int from pg_namespace where nspname like 'hearth\\_triggers\\_of\\_another\\_%'"), [
      [1],
    ]);
  });

  test('all functions together have a bounded number of connections, and Hearth goes on', async () => {
    const clients: Client[] = [];
    const one = async (): Promise<void> => {
      const client = new Client({ connectionString: url });
      client.on('error', () => {});
      await client.connect();
      clients.push(client);
    };
    try {
      await assert.rejects(async () => {
        for (let n = 0; n < 100; n++) await one();
      }, code('53300'));
      assert.equal(clients.length, 30);
      await deploy({});
    } finally {
      await Promise.all(clients.map((client) => client.end()));
    }
  });
});

/** Whether an error is PostgreSQL's with this code. */
function code(expected: string): (error: unknown) => boolean {
  return (error) => {
    assert.ok(error instanceof DatabaseError, String(error));
    assert.equal(error.code, expected, error.message);
    return true;
  };
}
