import assert from 'node:assert/strict';
import { test } from 'node:test';
import { silent } from '../../test/silent-log.ts';
import type { FunctionRegistry } from '../control/registry.ts';
import type { FunctionVersion } from '../model/function-version.ts';
import { aVersion } from '../model/testing/a-version.ts';
import type { TriggerRecord } from '../model/trigger-record.ts';
import type { PostgresStore } from '../store/postgres-store.ts';
import { databaseConnection } from './database-connection.ts';

const ID = '1f0e5a52-0000-4000-8000-000000000000';
const OLD = 'postgres://old/app';
const NEW = 'postgres://new/app';

function world(env: Record<string, string> = {}) {
  const kept = new Map<string, string>();
  const functions = new Map<string, FunctionVersion>();
  const keepConnection = async (id: string, connection: string): Promise<void> => void kept.set(id, connection);
  const store = { embedded: null, triggers: { keepConnection } } as unknown as Pick<PostgresStore, 'embedded' | 'triggers'>;
  const registry = { get: (name: string) => functions.get(name) ?? null } as unknown as FunctionRegistry;
  const open = () => databaseConnection({ store, databaseUrl: null, registry, env, log: silent });
  const record = (changes: Partial<TriggerRecord<'database'>> = {}): TriggerRecord<'database'> => ({
    id: 't',
    accountId: '000000000000',
    region: 'us-east-1',
    functionId: ID,
    functionName: 'f',
    kind: 'database',
    configuration: { table: 'public.orders', connection: 'SHOP' },
    changedAtMs: 0,
    retired: false,
    ...(kept.has('t') ? { connection: kept.get('t') ?? '' } : {}),
    ...changes,
  });
  return { kept, functions, open, record };
}

test('a trigger reaches its database after its function is gone, after a restart, too', () => {
  const { kept, functions, open, record } = world();
  functions.set('f', aVersion({ name: 'f', functionId: ID, environment: { SHOP: OLD } }));
  const connection = open();
  assert.deepEqual(connection(record()), { connectionString: OLD });
  functions.clear();
  assert.deepEqual(connection(record()), { connectionString: OLD });
  assert.deepEqual(open()(record({ retired: true })), { connectionString: OLD });
  assert.deepEqual([...kept], [['t', OLD]]);
});

test('another function that has its name by then says nothing of where it was', () => {
  const { functions, open, record } = world();
  functions.set('f', aVersion({ name: 'f', functionId: ID, environment: { SHOP: OLD } }));
  open()(record());
  functions.set('f', aVersion({ name: 'f', functionId: '7d2d6a4e-0000-4000-8000-000000000000', environment: { SHOP: NEW } }));
  assert.deepEqual(open()(record({ retired: true })), { connectionString: OLD });
});

test('what the server’s own variables hold is not kept, and a function’s comes before them', () => {
  const { kept, functions, open, record } = world({ SHOP: OLD });
  functions.set('f', aVersion({ name: 'f', functionId: ID }));
  assert.deepEqual(open()(record()), { connectionString: OLD });
  assert.equal(kept.size, 0);
  functions.set('f', aVersion({ name: 'f', functionId: ID, environment: { SHOP: NEW } }));
  assert.deepEqual(open()(record()), { connectionString: NEW });
});

test('where it can’t be known, the words say where to set it', () => {
  const { functions, open, record } = world();
  assert.throws(() => open()(record()), /the variable SHOP is not set: set it for the server, and start it again$/);
  functions.set('f', aVersion({ name: 'f', functionId: ID, environment: { SHOP: 'localhost' } }));
  assert.throws(() => open()(record()), /the variable SHOP is no connection string .*: set it for the function f or for the server$/);
});
