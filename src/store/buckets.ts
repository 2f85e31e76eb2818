import { sql, type Kysely } from 'kysely';
import { HearthError } from '../errors.ts';
import type { Bucket } from '../objects/model.ts';
import type { ObjectIndex } from '../objects/object-index.ts';
import type { Run } from './functions.ts';
import { BUCKET_COLUMNS, bucketOf, timestamp, within, type BucketRow, type ObjectScope } from './object-rows.ts';
import type { Database } from './schema.ts';

type Db = Kysely<Database>;

/** Buckets in PostgreSQL. */
export function bucketQueries(
  db: Db,
  run: Run,
  { scope, nowMs }: { scope: ObjectScope; nowMs: () => number },
): Pick<ObjectIndex, 'buckets' | 'bucket' | 'createBucket' | 'removeBucket' | 'configureBucket'> {
  return {
    buckets: () =>
      run(async () => {
        const { rows } =
          await sql<BucketRow>`select ${BUCKET_COLUMNS} from hearth.bucket where ${within(scope)} order by name collate "C"`.execute(db);
        return rows.map(bucketOf);
      }),
    bucket: (name) => run(() => requireBucket(db, scope, name, sql``)),
    createBucket: (name, settings) =>
      run(async () => {
        const { numAffectedRows } = await sql`
          insert into hearth.bucket (account_id, region, name, created_at, settings)
          values (${scope.accountId}, ${scope.region}, ${name}, ${timestamp(nowMs())}, ${JSON.stringify(settings)})
          on conflict do nothing`.execute(db);
        return numAffectedRows === 1n;
      }),
    removeBucket: (name) => run(() => db.transaction().execute((tx) => removeBucket(tx, scope, name))),
    configureBucket: (name, change) =>
      run(() =>
        db.transaction().execute(async (tx) => {
          const { settings } = await requireBucket(tx, scope, name, sql`for no key update`);
          await sql`update hearth.bucket set settings = ${JSON.stringify(change(settings))} where ${within(scope)} and name = ${name}`.execute(
            tx,
          );
        }),
      ),
  };
}

/** The bucket, locked as `lock` says. Throws NoSuchBucket. */
async function requireBucket(db: Db, scope: ObjectScope, name: string, lock: ReturnType<typeof sql>): Promise<Bucket> {
  const { rows } =
    await sql<BucketRow>`select ${BUCKET_COLUMNS} from hearth.bucket where ${within(scope)} and name = ${name} ${lock}`.execute(db);
  if (rows[0] === undefined) throw noSuchBucket(name);
  return bucketOf(rows[0]);
}

async function removeBucket(tx: Db, scope: ObjectScope, name: string): Promise<{ freed: string[] }> {
  await requireBucket(tx, scope, name, sql`for update`);
  const { rows } = await sql`select 1 from hearth.object_version where ${within(scope)} and bucket = ${name} limit 1`.execute(tx);
  if (rows.length > 0)
    throw new HearthError('BucketNotEmpty', 'The bucket you tried to delete is not empty', { details: { BucketName: name } });
  // A part that is just being put is waited for: its content would stay for ever otherwise.
  await sql`select 1 from hearth.upload where ${within(scope)} and bucket = ${name} order by upload_id for update`.execute(tx);
  const freed = await sql<{ blob_id: string }>`
    with gone as (
      select p.blob_id from hearth.upload_part p join hearth.upload u using (upload_id)
      where u.account_id = ${scope.accountId} and u.region = ${scope.region} and u.bucket = ${name}
    ) delete from hearth.blob where blob_id in (select blob_id from gone) returning blob_id`.execute(tx);
  await sql`delete from hearth.upload where ${within(scope)} and bucket = ${name}`.execute(tx);
  await sql`delete from hearth.bucket where ${within(scope)} and name = ${name}`.execute(tx);
  return { freed: freed.rows.map((r) => r.blob_id) };
}

/**
 * Locks a key for the rest of a transaction, so that its changes come one after the other, and its bucket against removal.
 * Throws NoSuchBucket.
 */
export async function lockKey(tx: Db, scope: ObjectScope, bucket: string, key: string): Promise<Bucket> {
  const { rows } = await sql<BucketRow>`
    select ${BUCKET_COLUMNS}, pg_advisory_xact_lock(hashtextextended(${`${bucket}/${key}`}, 0))
    from hearth.bucket where ${within(scope)} and name = ${bucket} for key share`.execute(tx);
  if (rows[0] === undefined) throw noSuchBucket(bucket);
  return bucketOf(rows[0]);
}

function noSuchBucket(name: string): HearthError {
  return new HearthError('NoSuchBucket', 'The specified bucket does not exist', { details: { BucketName: name } });
}
