import type { Migration } from './migration.ts';

/**
 * Buckets, objects with their versions, uploads in parts, and the blobs they refer to.
 *
 * Keys are compared by their UTF-8 bytes, as S3 lists them: collation "C". `latest` marks the newest version of a key; who changes a key
 * holds an advisory lock on it, which is why the index of the latest need not be unique. Buckets are guarded by row locks instead of
 * foreign keys: a write shares its bucket's row, a removal of the bucket takes it alone.
 *
 * `blob` says which blobs are referred to, so that a sweep finds those that a kill left between writing one and committing its object.
 */
export const objects: Migration = {
  name: '0003-objects',
  sql: `
    create table hearth.bucket (
      account_id text not null,
      region text not null,
      name text not null,
      created_at timestamptz not null,
      settings jsonb not null,
      primary key (account_id, region, name)
    );

    create sequence hearth.object_sequence;

    create table hearth.object_version (
      account_id text not null,
      region text not null,
      bucket text not null,
      key text collate "C" not null,
      version_id text not null,
      latest boolean not null,
      delete_marker boolean not null,
      sequence bigint not null,
      size bigint not null check (size >= 0),
      etag text not null,
      modified_at timestamptz not null,
      blobs text[] not null,
      document jsonb not null,
      primary key (account_id, region, bucket, key, version_id)
    );

    create index object_latest on hearth.object_version (account_id, region, bucket, key) where latest and not delete_marker;

    create table hearth.upload (
      account_id text not null,
      region text not null,
      bucket text not null,
      key text collate "C" not null,
      upload_id text not null unique,
      initiated_at timestamptz not null,
      document jsonb not null,
      primary key (account_id, region, bucket, key, upload_id)
    );

    create table hearth.upload_part (
      upload_id text not null references hearth.upload (upload_id) on delete cascade,
      number integer not null,
      blob_id text not null,
      size bigint not null,
      md5 text not null,
      checksum text,
      modified_at timestamptz not null,
      primary key (upload_id, number)
    );

    create table hearth.blob (blob_id text primary key);
  `,
};
