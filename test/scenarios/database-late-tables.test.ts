import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { dropDefinitionWatch, watchDefinitions } from '../../src/triggers/database/definitions.ts';
import { dropPublications, publish } from '../../src/triggers/database/publications.ts';
import { adminPool } from '../../src/triggers/database/sessions.ts';
import { settingsOf } from '../../src/triggers/database/settings.ts';
import { ChangeWorld, databaseRecord, ownWorld, running } from '../fixtures/changes.ts';
import { until } from './until.ts';

describe('tables that come while somebody looks for them', () => {
  const own = ownWorld();

  test('a table that the server has published stays so, whatever a look that began before has seen', async () => {
    const record = databaseRecord({ tables: ['early', 'late'] });
    const settings = settingsOf(record.configuration);
    const pool = adminPool(own.world.config);
    try {
      assert.equal(await watchDefinitions(pool, record.id, settings.tables), true);
      await own.world.query('create table early (id int primary key)');
      await publish(pool, record.id, settings);
      const looking = { on: true };
      const looks = [1, 2, 3].map(async () => {
        while (looking.on) await publish(pool, record.id, settings);
      });
      const missed: number[] = [];
      for (let round = 0; round < 200; round++) {
        await own.world.query('create table late (id int primary key)');
        for (let look = 0; look < 5; look++) {
          const [{ n } = { n: 0 }] = await own.world.query(
            "select count(*)::int as n from pg_publication_rel r join pg_class c on c.oid = r.prrelid where c.relname in ('early', 'late')",
          );
          if (n !== 2) missed.push(round);
        }
        await own.world.query('drop table late');
      }
      looking.on = false;
      await Promise.all(looks);
      assert.deepEqual(missed, []);
      await dropDefinitionWatch(pool, record.id);
      await dropPublications(pool, record.id);
    } finally {
      await pool.end();
    }
    await own.world.query('drop table early');
  });

  test('a schema that takes the place of another is followed from the first row on', async () => {
    await own.world.query('create schema now; create table now.swapped (id int primary key)');
    await own.world.query('create schema next; create table next.swapped (id int primary key)');
    const source = own.world.open();
    const record = databaseRecord({ table: 'now.swapped' });
    source.start(record);
    await running(source, record);
    const from = own.world.ledger.records().length;
    await own.world.query(
      'begin; alter schema now rename to past; alter schema next rename to now; commit; insert into now.swapped values (7)',
    );
    const [seen] = (await own.world.ledger.have(from + 1)).slice(from);
    assert.deepEqual([seen?.source['schema'], seen?.after?.['id']], ['now', 7]);
    await source.remove(record);
    await own.world.query('drop schema now, past cascade');
  });

  test('a table that comes to be of the other kind is in both publications for a moment, and never in none', async () => {
    const record = databaseRecord({ table: 'moves' });
    const settings = settingsOf(record.configuration);
    const pool = adminPool(own.world.config);
    const texts: string[] = [];
    const query = pool.query.bind(pool) as (...args: unknown[]) => unknown;
    Object.assign(pool, { query: (...args: unknown[]) => (texts.push(String(args[0])), query(...args)) });
    try {
      await own.world.query('create table moves (id int constraint moves_key primary key)');
      await publish(pool, record.id, settings);
      for (const change of ['drop constraint moves_key', 'add constraint moves_key primary key (id)']) {
        await own.world.query(`alter table moves ${change}`);
        texts.length = 0;
        await publish(pool, record.id, settings);
        const altered = texts.flatMap((text) => /^alter publication "\w+" (add|drop) table/.exec(text)?.[1] ?? []);
        assert.deepEqual(altered, ['add', 'drop']);
      }
      await dropPublications(pool, record.id);
    } finally {
      await pool.end();
    }
    await own.world.query('drop table moves');
  });

  test('both publications are made whatever the trigger wants, and stay: what was written before is read by their names', async () => {
    const record = databaseRecord({ table: 'wants_little', events: ['update'] });
    const pool = adminPool(own.world.config);
    try {
      await own.world.query('create table wants_little (id int primary key)');
      const { publications } = await publish(pool, record.id, settingsOf(record.configuration));
      const found = await own.world.query(
        'select pubname as name, pubinsert as i, pubupdate as u from pg_publication where pubname = any($1) order by 1',
        [publications],
      );
      assert.deepEqual(
        found.map(({ i, u }) => [i, u]),
        [
          [false, true],
          [false, false],
        ],
      );
      await dropPublications(pool, record.id);
    } finally {
      await pool.end();
    }
    await own.world.query('drop table wants_little');
  });

  test('a table that is being made when the trigger starts is seen from its first row on', async () => {
    const maker = await ChangeWorld.open(own.world.config);
    await maker.query('begin');
    await maker.query('create table being_made (id int primary key)');
    await maker.query('insert into being_made values (1)');
    const source = own.world.open();
    const record = databaseRecord({ table: 'being_made', backfill: true, parallel: 1 });
    const from = own.world.ledger.records().length;
    source.start(record);
    await until(() => /waits for the end of transactions/.test(source.status(record.id)?.detail ?? ''));
    await maker.query('commit');
    for (let id = 2; id <= 100; id++) await maker.query('insert into being_made values ($1)', [id]);
    await running(source, record);
    const seen = (await own.world.ledger.have(from + 100)).slice(from).map((r) => r.after?.['id']);
    assert.deepEqual(
      seen.toSorted((a, b) => Number(a) - Number(b)),
      Array.from({ length: 100 }, (_, i) => i + 1),
    );
    await source.remove(record);
    await maker.query('drop table being_made');
    await maker.close();
  });
});
