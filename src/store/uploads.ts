import { sql, type Kysely } from 'kysely';
import { HearthError } from '../errors.ts';
import type { Upload, UploadedPart } from '../objects/model.ts';
import type { ObjectIndex, Stretch } from '../objects/object-index.ts';
import { successor } from '../objects/successor.ts';
import { lockKey } from './buckets.ts';
import type { Run } from './functions.ts';
import { timestamp, within, type ObjectScope } from './object-rows.ts';
import type { Database } from './schema.ts';

type Db = Kysely<Database>;

interface UploadRow {
  bucket: string;
  key: string;
  upload_id: string;
  initiated_ms: number;
  document: Pick<Upload, 'meta' | 'tags' | 'checksum'>;
}

interface PartRow {
  number: number;
  blob_id: string;
  size: string;
  md5: string;
  checksum: string | null;
  modified_ms: number;
}

const UPLOAD_COLUMNS = sql`bucket, key, upload_id, (extract(epoch from initiated_at) * 1000)::float8 as initiated_ms, document`;

/** Multipart uploads in PostgreSQL. */
export function uploadQueries(
  db: Db,
  run: Run,
  { scope }: { scope: ObjectScope },
): Pick<ObjectIndex, 'createUpload' | 'upload' | 'uploads' | 'putPart' | 'parts' | 'removeUpload'> {
  return {
    createUpload: (u) => run(() => db.transaction().execute((tx) => createUpload(tx, scope, u))),
    upload: (bucket, key, id) => run(() => requireUpload(db, scope, { bucket, key, id })),
    uploads: (stretch, afterId) => run(() => listUploads(db, scope, stretch, afterId)),
    putPart: (id, part) => run(() => db.transaction().execute((tx) => putPart(tx, id, part))),
    parts: (id, after, limit) =>
      run(async () => {
        const { rows } = await sql<PartRow>`
          select number, blob_id, size::text as size, md5, checksum, (extract(epoch from modified_at) * 1000)::float8 as modified_ms
          from hearth.upload_part where upload_id = ${id} and number > ${after} order by number limit ${limit}`.execute(db);
        return rows.map(partOf);
      }),
    removeUpload: (bucket, key, id) =>
      run(() =>
        db.transaction().execute(async (tx) => {
          await requireUpload(tx, scope, { bucket, key, id });
          return { freed: await takeUpload(tx, { id, keep: [] }) };
        }),
      ),
  };
}

async function createUpload(tx: Db, scope: ObjectScope, u: Upload): Promise<void> {
  await lockKey(tx, scope, u.bucket, u.key);
  const { meta, tags, checksum } = u;
  await sql`insert into hearth.upload (account_id, region, bucket, key, upload_id, initiated_at, document)
    values (${scope.accountId}, ${scope.region}, ${u.bucket}, ${u.key}, ${u.id}, ${timestamp(u.initiatedAtMs)},
      ${JSON.stringify({ meta, tags, checksum })})`.execute(tx);
}

async function requireUpload(db: Db, scope: ObjectScope, o: { bucket: string; key: string; id: string }): Promise<Upload> {
  const { rows } = await sql<UploadRow>`
    select ${UPLOAD_COLUMNS} from hearth.upload
    where ${within(scope)} and bucket = ${o.bucket} and key = ${o.key} and upload_id = ${o.id}`.execute(db);
  if (rows[0] === undefined) throw noSuchUpload(o.id);
  return uploadOf(rows[0]);
}

async function listUploads(db: Db, scope: ObjectScope, stretch: Stretch, afterId: string): Promise<Upload[]> {
  const end = successor(stretch.prefix);
  const start = afterId === '' && !stretch.inclusive ? sql`key > ${stretch.after}` : sql`(key, upload_id) > (${stretch.after}, ${afterId})`;
  const { rows } = await sql<UploadRow>`
    select ${UPLOAD_COLUMNS} from hearth.upload
    where ${within(scope)} and bucket = ${stretch.bucket} and key >= ${stretch.prefix} and ${start} ${end === null ? sql`` : sql`and key < ${end}`}
    order by key, upload_id limit ${stretch.limit}`.execute(db);
  return rows.map(uploadOf);
}

/** The upload's row is locked, so that a part comes either before its end or not at all. */
async function putPart(tx: Db, id: string, part: UploadedPart): Promise<{ freed: string[] }> {
  const { rows } = await sql`select 1 from hearth.upload where upload_id = ${id} for no key update`.execute(tx);
  if (rows.length === 0) throw noSuchUpload(id);
  const freed = await sql<{ blob_id: string }>`
    delete from hearth.blob where blob_id in (select blob_id from hearth.upload_part where upload_id = ${id} and number = ${part.number})
    returning blob_id`.execute(tx);
  await sql`
    with used as (insert into hearth.blob (blob_id) values (${part.blob}))
    insert into hearth.upload_part (upload_id, number, blob_id, size, md5, checksum, modified_at)
    values (${id}, ${part.number}, ${part.blob}, ${part.size}, ${part.md5}, ${part.checksum}, ${timestamp(part.modifiedAtMs)})
    on conflict (upload_id, number) do update set blob_id = excluded.blob_id, size = excluded.size, md5 = excluded.md5,
      checksum = excluded.checksum, modified_at = excluded.modified_at`.execute(tx);
  return { freed: freed.rows.map((r) => r.blob_id) };
}

/** Ends an upload; the blobs of its parts are freed, but for those of `keep`. Throws NoSuchUpload when it has ended already, or lost a part of `keep`. */
export async function takeUpload(tx: Db, { id, keep }: { id: string; keep: readonly string[] }): Promise<string[]> {
  const { rows: there } = await sql`select 1 from hearth.upload where upload_id = ${id} for update`.execute(tx);
  if (there.length === 0) throw noSuchUpload(id);
  const { rows } = await sql<{ blob_id: string }>`select blob_id from hearth.upload_part where upload_id = ${id}`.execute(tx);
  const kept = new Set(keep);
  const freed = rows.map((r) => r.blob_id).filter((blob) => !kept.has(blob));
  if (rows.length - freed.length !== kept.size) {
    throw new HearthError('InvalidPart', 'A part was uploaded again while the upload was completed: complete it again with its new ETag.');
  }
  await sql`delete from hearth.blob where blob_id = any(${freed}::text[])`.execute(tx);
  await sql`delete from hearth.upload where upload_id = ${id}`.execute(tx);
  return freed;
}

function uploadOf(row: UploadRow): Upload {
  return { id: row.upload_id, bucket: row.bucket, key: row.key, initiatedAtMs: row.initiated_ms, ...row.document };
}

function partOf(row: PartRow): UploadedPart {
  return {
    number: row.number,
    blob: row.blob_id,
    size: Number(row.size),
    md5: row.md5,
    checksum: row.checksum,
    modifiedAtMs: row.modified_ms,
  };
}

function noSuchUpload(id: string): HearthError {
  return new HearthError(
    'NoSuchUpload',
    'The specified upload does not exist. The upload ID may be invalid, or the upload may have been aborted or completed.',
    { details: { UploadId: id } },
  );
}
