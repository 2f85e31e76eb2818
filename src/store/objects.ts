import { sql, type Kysely } from 'kysely';
import { HearthError } from '../errors.ts';
import type { NewDelivery } from '../model/delivery.ts';
import type { Happening } from '../objects/events/happening.ts';
import type { ObjectVersion } from '../objects/model.ts';
import type { Announce, Cause, ObjectIndex, Stretch } from '../objects/object-index.ts';
import { successor } from '../objects/successor.ts';
import { bucketQueries, lockKey } from './buckets.ts';
import { insertDeliveries } from './deliveries.ts';
import type { Run } from './functions.ts';
import {
  LISTED_COLUMNS,
  VERSION_COLUMNS,
  documentOf,
  listedOf,
  versionOf,
  within,
  type ListedRow,
  type ObjectScope,
  type VersionRow,
} from './object-rows.ts';
import { putObject, removeObject, type Writing } from './object-writes.ts';
import type { Database } from './schema.ts';
import { uploadQueries } from './uploads.ts';

type Db = Kysely<Database>;

export interface ObjectIndexOptions {
  readonly scope: ObjectScope;
  readonly nowMs: () => number;
  /** The deliveries that an event makes; must be quick, it runs within the transaction. */
  readonly announce: Announce<NewDelivery>;
}

/** The index of objects in PostgreSQL: a change, its sequence number and its deliveries are one transaction. */
export function objectIndex(db: Db, run: Run, o: ObjectIndexOptions): ObjectIndex {
  const { scope } = o;
  const writing = (tx: Db): Writing => ({
    tx,
    scope,
    nowMs: o.nowMs(),
    happened: async (happenings: readonly Happening[]) =>
      insertDeliveries(
        tx,
        happenings.flatMap((h) => o.announce(h)),
      ),
  });
  return {
    ...bucketQueries(db, run, o),
    ...uploadQueries(db, run, o),
    put: (put) => run(() => db.transaction().execute((tx) => putObject(writing(tx), put))),
    remove: (removals) =>
      run(() =>
        db.transaction().execute(async (tx) => {
          const at = writing(tx);
          const order = removals.map((_, i) => i).sort((a, b) => ((removals[a]?.key ?? '') < (removals[b]?.key ?? '') ? -1 : 1));
          const removed = Array.from(removals, () => ({ versionId: null as string | null, deleteMarker: false }));
          const freed: string[] = [];
          for (const i of order) {
            const removal = removals[i];
            if (removal === undefined) continue;
            const done = await removeObject(at, removal);
            removed[i] = done.removed;
            freed.push(...done.freed);
          }
          return { removed, freed };
        }),
      ),
    find: (bucket, key, versionId) => run(() => findVersion(db, scope, { bucket, key, versionId })),
    tag: (version, tags, cause) => run(() => db.transaction().execute((tx) => tagObject(writing(tx), version, { tags, cause }))),
    list: (stretch) => run(() => list(db, scope, stretch)),
    listVersions: (stretch, below) => run(() => listVersions(db, scope, stretch, below)),
    referenced: (blobs) =>
      run(async () => {
        const { rows } = await sql<{ blob_id: string }>`select blob_id from hearth.blob where blob_id = any(${[...blobs]}::text[])`.execute(
          db,
        );
        return new Set(rows.map((r) => r.blob_id));
      }),
  };
}

async function findVersion(
  db: Db,
  scope: ObjectScope,
  o: { bucket: string; key: string; versionId: string | null },
): Promise<ObjectVersion | null> {
  const which = o.versionId === null ? sql`latest` : sql`version_id = ${o.versionId}`;
  const { rows } = await sql<VersionRow>`
    select ${VERSION_COLUMNS} from hearth.object_version where ${within(scope)} and bucket = ${o.bucket} and key = ${o.key} and ${which}`.execute(
    db,
  );
  return rows[0] === undefined ? null : versionOf(o.bucket, rows[0]);
}

async function tagObject(w: Writing, version: ObjectVersion, o: { tags: Readonly<Record<string, string>>; cause: Cause }): Promise<void> {
  const { key, versionId } = version;
  const bucket = await lockKey(w.tx, w.scope, version.bucket, key);
  const present = await findVersion(w.tx, w.scope, version);
  if (present === null || present.deleteMarker) {
    throw new HearthError('NoSuchKey', 'The specified key does not exist.', { details: { Key: key } });
  }
  const { rows } = await sql<{ sequence: string }>`
    update hearth.object_version set document = ${documentOf({ ...present, tags: o.tags })}
    where ${within(w.scope)} and bucket = ${version.bucket} and key = ${key} and version_id = ${versionId}
    returning nextval('hearth.object_sequence')::text as sequence`.execute(w.tx);
  const name = `ObjectTagging:${Object.keys(o.tags).length === 0 ? 'Delete' : 'Put'}`;
  const shown = bucket.settings.versioning === null ? null : versionId;
  const { size, etag } = present;
  const sequence = rows[0]?.sequence ?? '0';
  await w.happened([{ name, bucket, key, size, etag, versionId: shown, sequence, atMs: w.nowMs, cause: o.cause }]);
}

/** Keys of the stretch: what its prefix and its start leave. */
function keysOf(stretch: Stretch): ReturnType<typeof sql> {
  const end = successor(stretch.prefix);
  const start = stretch.inclusive ? sql`key >= ${stretch.after}` : sql`key > ${stretch.after}`;
  return sql`key >= ${stretch.prefix} and ${start} ${end === null ? sql`` : sql`and key < ${end}`}`;
}

async function list(db: Db, scope: ObjectScope, stretch: Stretch): ReturnType<ObjectIndex['list']> {
  const { rows } = await sql<ListedRow>`
    select ${LISTED_COLUMNS} from hearth.object_version
    where ${within(scope)} and bucket = ${stretch.bucket} and latest and not delete_marker and ${keysOf(stretch)}
    order by key limit ${stretch.limit}`.execute(db);
  return rows.map(listedOf);
}

async function listVersions(db: Db, scope: ObjectScope, stretch: Stretch, below: string | null): ReturnType<ObjectIndex['listVersions']> {
  const rest = below === null ? sql`` : sql`and (key > ${stretch.after} or sequence < ${below}::bigint)`;
  const { rows } = await sql<ListedRow>`
    select ${LISTED_COLUMNS} from hearth.object_version
    where ${within(scope)} and bucket = ${stretch.bucket} and ${keysOf(stretch)} ${rest}
    order by key, sequence desc limit ${stretch.limit}`.execute(db);
  return rows.map(listedOf);
}
