import { sql, type Kysely } from 'kysely';
import { HearthError } from '../errors.ts';
import type { Happening } from '../objects/events/happening.ts';
import type { Bucket, ObjectContent, ObjectVersion } from '../objects/model.ts';
import type { PutObject, Removed, RemoveObject } from '../objects/object-index.ts';
import { lockKey } from './buckets.ts';
import { VERSION_COLUMNS, documentOf, timestamp, versionOf, within, type ObjectScope, type VersionRow } from './object-rows.ts';
import type { Database } from './schema.ts';
import { takeUpload } from './uploads.ts';

/** A transaction that changes objects. */
export interface Writing {
  readonly tx: Kysely<Database>;
  readonly scope: ObjectScope;
  readonly nowMs: number;
  /** Writes the deliveries of what happened, in the same transaction. */
  happened(happenings: readonly Happening[]): Promise<void>;
}

/** What an unversioned write calls its version. */
const NULL_VERSION = 'null';

/** Makes an object what was uploaded. Throws NoSuchBucket, NoSuchUpload, and what the precondition throws. */
export async function putObject(w: Writing, put: PutObject): Promise<{ version: ObjectVersion; freed: string[] }> {
  const bucket = await lockKey(w.tx, w.scope, put.bucket, put.key);
  const present = await presentVersions(w, put.bucket, put.key);
  const latest = present.find((v) => v.latest) ?? null;
  put.precondition(latest === null || latest.deleteMarker ? null : latest);
  const freed = put.upload === undefined ? [] : await takeUpload(w.tx, { id: put.upload, keep: put.content.parts.map((p) => p.blob) });
  const versionId = bucket.settings.versioning === 'Enabled' ? put.versionId : NULL_VERSION;
  const written = await write(w, { bucket: put.bucket, key: put.key, versionId, deleteMarker: false, content: put.content }, present);
  freed.push(...written.freed);
  const { key, content } = put;
  const happening = {
    name: `ObjectCreated:${put.how}`,
    bucket,
    key,
    size: content.size,
    etag: content.etag,
    // As on S3, which names no version called null that it made.
    versionId: versionId === NULL_VERSION ? null : versionId,
    sequence: written.sequence,
    atMs: w.nowMs,
    cause: put.cause,
  };
  await w.happened([happening]);
  const version = {
    ...content,
    bucket: put.bucket,
    key,
    versionId,
    latest: true,
    deleteMarker: false,
    modifiedAtMs: w.nowMs,
    sequence: written.sequence,
  };
  return { version, freed };
}

/** Removes a version for good, or does what a plain delete does in this bucket. What is not there is removed already. */
export async function removeObject(w: Writing, r: RemoveObject): Promise<{ removed: Removed; freed: string[] }> {
  const bucket = await lockKey(w.tx, w.scope, r.bucket, r.key);
  const present = await presentVersions(w, r.bucket, r.key, r.versionId ?? NULL_VERSION);
  const latest = present.find((v) => v.latest) ?? null;
  r.precondition(latest === null || latest.deleteMarker ? null : latest);
  if (r.versionId === null && bucket.settings.versioning !== null) return mark(w, r, { bucket, present });
  const target = r.versionId ?? NULL_VERSION;
  const gone = present.find((v) => v.versionId === target);
  const removed = { versionId: shownVersion(bucket, target), deleteMarker: gone?.deleteMarker ?? false };
  if (gone === undefined) return { removed, freed: [] };
  const blobs = gone.parts.map((p) => p.blob);
  const { rows } = await sql<{ sequence: string }>`
    with freed as (delete from hearth.blob where blob_id = any(${blobs}::text[])),
    gone as (delete from hearth.object_version
      where ${within(w.scope)} and bucket = ${r.bucket} and key = ${r.key} and version_id = ${target} returning 1)
    select nextval('hearth.object_sequence')::text as sequence from gone`.execute(w.tx);
  if (gone.latest && bucket.settings.versioning !== null) await promote(w, r.bucket, r.key);
  const sequence = rows[0]?.sequence ?? '0';
  await w.happened([removal('ObjectRemoved:Delete', r, { bucket, sequence, versionId: removed.versionId, atMs: w.nowMs })]);
  return { removed, freed: blobs };
}

/** A delete marker hides the versions under it. */
async function mark(
  w: Writing,
  r: RemoveObject,
  o: { bucket: Bucket; present: ObjectVersion[] },
): Promise<{ removed: Removed; freed: string[] }> {
  const versionId = o.bucket.settings.versioning === 'Enabled' ? r.markerId : NULL_VERSION;
  const written = await write(w, { bucket: r.bucket, key: r.key, versionId, deleteMarker: true, content: NOTHING }, o.present);
  const { sequence } = written;
  await w.happened([removal('ObjectRemoved:DeleteMarkerCreated', r, { bucket: o.bucket, sequence, versionId, atMs: w.nowMs })]);
  return { removed: { versionId, deleteMarker: true }, freed: written.freed };
}

const NOTHING: ObjectContent = {
  size: 0,
  etag: '',
  meta: { headers: {}, user: {}, storageClass: 'STANDARD' },
  tags: {},
  checksum: null,
  parts: [],
  multipart: false,
};

function removal(name: string, r: RemoveObject, o: Pick<Happening, 'bucket' | 'sequence' | 'versionId' | 'atMs'>): Happening {
  return {
    name,
    key: r.key,
    size: 0,
    etag: name.endsWith('MarkerCreated') ? 'd41d8cd98f00b204e9800998ecf8427e' : '',
    cause: r.cause,
    ...o,
  };
}

/** Versions are not spoken of in a bucket that never had any. */
function shownVersion(bucket: Bucket, versionId: string): string | null {
  return bucket.settings.versioning === null ? null : versionId;
}

/** The latest version of a key and the one called `also`. */
async function presentVersions(w: Writing, bucket: string, key: string, also: string = NULL_VERSION): Promise<ObjectVersion[]> {
  const { rows } = await sql<VersionRow>`
    select ${VERSION_COLUMNS} from hearth.object_version
    where ${within(w.scope)} and bucket = ${bucket} and key = ${key} and (latest or version_id = any(${[also, NULL_VERSION]}::text[]))`.execute(
    w.tx,
  );
  return rows.map((row) => versionOf(bucket, row));
}

interface NewVersion {
  readonly bucket: string;
  readonly key: string;
  readonly versionId: string;
  readonly deleteMarker: boolean;
  readonly content: ObjectContent;
}

/** Makes `v` the latest version of its key, in the place of the one that has its id. */
async function write(w: Writing, v: NewVersion, present: readonly ObjectVersion[]): Promise<{ sequence: string; freed: string[] }> {
  if (present.some((p) => p.latest && p.versionId !== v.versionId)) {
    await sql`update hearth.object_version set latest = false
      where ${within(w.scope)} and bucket = ${v.bucket} and key = ${v.key} and latest`.execute(w.tx);
  }
  const freed = (present.find((p) => p.versionId === v.versionId)?.parts ?? []).map((p) => p.blob);
  const blobs = v.content.parts.map((p) => p.blob);
  const { rows } = await sql<{ sequence: string }>`
    with freed as (delete from hearth.blob where blob_id = any(${freed}::text[])),
    used as (insert into hearth.blob (blob_id) select unnest(${blobs}::text[]) on conflict do nothing)
    insert into hearth.object_version (account_id, region, bucket, key, version_id, latest, delete_marker, sequence, size, etag, modified_at,
      blobs, document)
    values (${w.scope.accountId}, ${w.scope.region}, ${v.bucket}, ${v.key}, ${v.versionId}, true, ${v.deleteMarker},
      nextval('hearth.object_sequence'), ${v.content.size}, ${v.content.etag}, ${timestamp(w.nowMs)}, ${blobs}::text[], ${documentOf(v.content)})
    on conflict (account_id, region, bucket, key, version_id) do update set latest = true, delete_marker = excluded.delete_marker,
      sequence = excluded.sequence, size = excluded.size, etag = excluded.etag, modified_at = excluded.modified_at, blobs = excluded.blobs,
      document = excluded.document
    returning sequence::text as sequence`.execute(w.tx);
  const sequence = rows[0]?.sequence;
  if (sequence === undefined) throw new HearthError('InternalError', 'the version was not written');
  return { sequence, freed };
}

/** The newest of the versions that are left becomes the latest. */
async function promote(w: Writing, bucket: string, key: string): Promise<void> {
  const ours = sql`${within(w.scope)} and bucket = ${bucket} and key = ${key}`;
  await sql`update hearth.object_version set latest = true
    where ${ours} and sequence = (select max(sequence) from hearth.object_version where ${ours})`.execute(w.tx);
}
