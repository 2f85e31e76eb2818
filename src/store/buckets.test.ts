import assert from 'node:assert/strict';
import { it } from 'node:test';
import { Client } from 'pg';
import { openTestDatabase } from '../../test/fixtures/test-database.ts';
import { until } from '../../test/scenarios/until.ts';
import { silent } from '../../test/silent-log.ts';
import { systemClock } from '../lib/clock.ts';
import { NEW_BUCKET } from '../objects/model.ts';
import { openDatabase } from './postgres-store.ts';

it('a bucket that goes while a part of an upload is being put leaves no content behind', async () => {
  const database = await openTestDatabase();
  const store = await openDatabase(database.connection, 'us-east-1', { clock: systemClock, log: silent });
  const scope = { accountId: '000000000000', region: 'us-east-1' };
  const index = store.objects({ scope, nowMs: () => 0, announce: () => [] });
  await index.createBucket('b', NEW_BUCKET);
  const meta = { headers: {}, user: {}, storageClass: 'STANDARD' };
  await index.createUpload({ id: 'u', bucket: 'b', key: 'k', initiatedAtMs: 0, meta, tags: {}, checksum: null });
  const other = new Client(database.connection);
  await other.connect();
  // What putting a part does, up to its commit.
  await other.query("begin; select 1 from hearth.upload where upload_id = 'u' for no key update");
  const removed = index.removeBucket('b');
  await until(async () => (await other.query('select 1 from pg_locks where not granted')).rows.length > 0);
  await other.query(`insert into hearth.blob values ('content');
    insert into hearth.upload_part (upload_id, number, blob_id, size, md5, modified_at) values ('u', 1, 'content', 1, '', now()); commit`);
  assert.deepEqual(await removed, { freed: ['content'] });
  assert.equal((await index.referenced(['content'])).size, 0);
  await other.end();
  await store.close();
  await database.close();
});
