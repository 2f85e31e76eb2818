import type { Kysely } from 'kysely';
import { HearthError } from '../errors.ts';
import { isForeignKeyViolation } from './database-error.ts';
import type { Run } from './functions.ts';
import type { Database } from './schema.ts';
import type { ResourceStore, StoredResource } from './store.ts';

/** Lambda's lesser resources in PostgreSQL. */
export function resourceStore(db: Kysely<Database>, run: Run): ResourceStore {
  return {
    all: () => run(() => loadAll(db)),
    put: (resource) => run(() => put(db, resource)),
    remove: (resource) => run(() => remove(db, resource)),
  };
}

async function loadAll(db: Kysely<Database>): Promise<StoredResource[]> {
  return db
    .selectFrom('hearth.lambda_resource')
    .select(['account_id as accountId', 'region', 'kind', 'key', 'function_id as functionId', 'document'])
    .execute();
}

async function put(db: Kysely<Database>, r: StoredResource): Promise<void> {
  const document = JSON.stringify(r.document);
  try {
    await db
      .insertInto('hearth.lambda_resource')
      .values({ account_id: r.accountId, region: r.region, kind: r.kind, key: r.key, function_id: r.functionId, document })
      .onConflict((c) => c.columns(['account_id', 'region', 'kind', 'key']).doUpdateSet({ document }))
      .execute();
  } catch (error) {
    if (!isForeignKeyViolation(error)) throw error;
    throw new HearthError('ResourceNotFoundException', 'The function was deleted meanwhile.', { cause: error });
  }
}

async function remove(db: Kysely<Database>, r: Omit<StoredResource, 'document' | 'functionId'>): Promise<boolean> {
  const done = await db
    .deleteFrom('hearth.lambda_resource')
    .where('account_id', '=', r.accountId)
    .where('region', '=', r.region)
    .where('kind', '=', r.kind)
    .where('key', '=', r.key)
    .executeTakeFirst();
  return done.numDeletedRows > 0n;
}
