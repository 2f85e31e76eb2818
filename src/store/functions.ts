import { sql } from 'kysely';
import type { Kysely } from 'kysely';
import { HearthError } from '../errors.ts';
import type { FunctionVersion } from '../model/function-version.ts';
import { isForeignKeyViolation, isUniqueViolation } from './database-error.ts';
import { fromDocument, toDocument } from './function-document.ts';
import type { Database } from './schema.ts';
import type { FunctionStore } from './store.ts';

/** Runs a query, with what every query of the store needs around it: errors translated, the server lock checked. */
export type Run = <T>(work: () => Promise<T>) => Promise<T>;

/** Functions and their versions in PostgreSQL. */
export function functionStore(db: Kysely<Database>, run: Run): FunctionStore {
  return {
    all: () => run(() => loadAll(db)),
    create: (version) => run(() => create(db, version)),
    replaceLatest: (version, expected) => run(() => replaceLatest(db, version, expected)),
    publish: (version) => run(() => publish(db, version)),
    removeVersion: (functionId, version) => run(() => removeVersion(db, functionId, version)),
    remove: (functionId) => run(() => remove(db, functionId)),
  };
}

async function loadAll(db: Kysely<Database>): Promise<FunctionVersion[]> {
  const rows = await db
    .selectFrom('hearth.function_version as v')
    .innerJoin('hearth.function as f', (join) =>
      join.onRef('f.account_id', '=', 'v.account_id').onRef('f.region', '=', 'v.region').onRef('f.function_id', '=', 'v.function_id'),
    )
    .select([
      'v.function_id as functionId',
      'v.account_id as accountId',
      'v.region',
      'f.name',
      'v.version',
      'v.revision_id as revisionId',
      'v.runtime',
      sql<number>`(extract(epoch from v.modified_at) * 1000)::float8`.as('modifiedAtMs'),
      'v.document',
    ])
    .orderBy('f.name')
    .orderBy('v.version')
    .execute();
  return rows.map(({ document, ...columns }) => fromDocument(columns, document));
}

async function create(db: Kysely<Database>, version: FunctionVersion): Promise<void> {
  const key = { account_id: version.accountId, region: version.region, function_id: version.functionId };
  try {
    await db.transaction().execute(async (tx) => {
      await tx
        .insertInto('hearth.function')
        .values({ ...key, name: version.name })
        .execute();
      await tx
        .insertInto('hearth.function_version')
        .values({ ...key, version: version.version, ...changing(version) })
        .execute();
    });
  } catch (error) {
    if (!isUniqueViolation(error)) throw error;
    throw nameTaken(version.name, error);
  }
}

async function replaceLatest(db: Kysely<Database>, version: FunctionVersion, expectedRevisionId: string): Promise<void> {
  const latest = db
    .updateTable('hearth.function_version')
    .where('account_id', '=', version.accountId)
    .where('region', '=', version.region)
    .where('function_id', '=', version.functionId)
    .where('version', '=', '$LATEST');
  const done = await latest.set(changing(version)).where('revision_id', '=', expectedRevisionId).executeTakeFirst();
  if (done.numUpdatedRows > 0n) return;
  const present = await db
    .selectFrom('hearth.function_version')
    .select('revision_id')
    .where('account_id', '=', version.accountId)
    .where('region', '=', version.region)
    .where('function_id', '=', version.functionId)
    .where('version', '=', '$LATEST')
    .executeTakeFirst();
  throw present === undefined ? gone(version.name) : otherRevision();
}

async function publish(db: Kysely<Database>, version: FunctionVersion): Promise<void> {
  const key = { account_id: version.accountId, region: version.region, function_id: version.functionId };
  try {
    await db
      .insertInto('hearth.function_version')
      .values({ ...key, version: version.version, ...changing(version) })
      .execute();
  } catch (error) {
    if (!isForeignKeyViolation(error)) throw error;
    throw gone(version.name);
  }
}

async function removeVersion(db: Kysely<Database>, functionId: string, version: string): Promise<boolean> {
  if (version === '$LATEST') return false;
  const versions = db.deleteFrom('hearth.function_version').where('function_id', '=', functionId);
  const done = await versions.where('version', '=', version).executeTakeFirst();
  return done.numDeletedRows > 0n;
}

async function remove(db: Kysely<Database>, functionId: string): Promise<boolean> {
  const done = await db.deleteFrom('hearth.function').where('function_id', '=', functionId).executeTakeFirst();
  return done.numDeletedRows > 0n;
}

function changing(version: FunctionVersion): { revision_id: string; runtime: string; modified_at: unknown; document: string } {
  return {
    revision_id: version.revisionId,
    runtime: version.runtime,
    modified_at: sql`to_timestamp(${version.modifiedAtMs}::float8 / 1000)`,
    document: toDocument(version),
  };
}

export function nameTaken(name: string, cause?: unknown): HearthError {
  return new HearthError('ResourceConflictException', `Function already exist: ${name}`, { cause });
}

export function gone(name: string): HearthError {
  return new HearthError('ResourceNotFoundException', `Function not found: ${name}`);
}

export function otherRevision(): HearthError {
  return new HearthError(
    'PreconditionFailedException',
    'The Revision Id provided does not match the latest Revision Id. Call the GetFunction/GetAlias API to retrieve the latest Revision Id',
  );
}
