import { sql, type RawBuilder } from 'kysely';
import type { Bucket, BucketSettings, ObjectVersion } from '../objects/model.ts';
import type { ListedObject } from '../objects/object-index.ts';

/** The account and region whose buckets these are. */
export interface ObjectScope {
  readonly accountId: string;
  readonly region: string;
}

/** All of an object that no query asks for by itself. */
type Document = Pick<ObjectVersion, 'meta' | 'tags' | 'checksum' | 'parts' | 'multipart'>;

interface VersionRow {
  key: string;
  version_id: string;
  latest: boolean;
  delete_marker: boolean;
  sequence: string;
  size: string;
  etag: string;
  modified_ms: number;
  blobs: string[];
  document: Document;
}

export interface BucketRow {
  name: string;
  created_ms: number;
  settings: BucketSettings;
}

export const VERSION_COLUMNS = sql`key, version_id, latest, delete_marker, sequence::text as sequence, size::text as size, etag,
  (extract(epoch from modified_at) * 1000)::float8 as modified_ms, blobs, document`;

export const LISTED_COLUMNS = sql`key, version_id, latest, delete_marker, sequence::text as sequence, size::text as size, etag,
  (extract(epoch from modified_at) * 1000)::float8 as modified_ms, document #>> '{meta,storageClass}' as storage_class,
  document -> 'checksum' as checksum`;

export const BUCKET_COLUMNS = sql`name, (extract(epoch from created_at) * 1000)::float8 as created_ms, settings`;

export type { VersionRow };

export interface ListedRow extends Omit<VersionRow, 'blobs' | 'document'> {
  storage_class: string;
  checksum: ObjectVersion['checksum'];
}

export function timestamp(ms: number): RawBuilder<unknown> {
  return sql`to_timestamp(${ms}::float8 / 1000)`;
}

/** The rows of one scope: `account_id = … and region = …`. */
export function within(scope: ObjectScope): RawBuilder<unknown> {
  return sql`account_id = ${scope.accountId} and region = ${scope.region}`;
}

export function bucketOf(row: BucketRow): Bucket {
  return { name: row.name, createdAtMs: row.created_ms, settings: row.settings };
}

export function versionOf(bucket: string, row: VersionRow): ObjectVersion {
  return {
    bucket,
    key: row.key,
    versionId: row.version_id,
    latest: row.latest,
    deleteMarker: row.delete_marker,
    sequence: row.sequence,
    size: Number(row.size),
    etag: row.etag,
    modifiedAtMs: row.modified_ms,
    ...row.document,
  };
}

export function listedOf(row: ListedRow): ListedObject {
  return {
    key: row.key,
    versionId: row.version_id,
    latest: row.latest,
    deleteMarker: row.delete_marker,
    sequence: row.sequence,
    size: Number(row.size),
    etag: row.etag,
    modifiedAtMs: row.modified_ms,
    storageClass: row.storage_class,
    checksum: row.checksum,
  };
}

export function documentOf(version: Document): string {
  const { meta, tags, checksum, parts, multipart } = version;
  return JSON.stringify({ meta, tags, checksum, parts, multipart });
}
