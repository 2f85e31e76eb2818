import { sql } from 'kysely';
import type { Kysely } from 'kysely';
import { HearthError } from '../errors.ts';
import type { TriggerRecord } from '../model/trigger-record.ts';
import { parseTrigger } from '../model/triggers.ts';
import type { TriggerStore } from '../triggers/trigger.ts';
import { freezeDeep } from './function-document.ts';
import type { Run } from './functions.ts';
import type { Database } from './schema.ts';

interface TriggerRow {
  readonly id: string;
  readonly accountId: string;
  readonly region: string;
  readonly functionId: string;
  readonly functionName: string;
  readonly kind: string;
  readonly configuration: unknown;
  readonly changedAtMs: number;
  readonly retired: boolean;
  readonly mapping: { readonly qualifier: string | null } | null;
  readonly retiredAtMs: number | null;
  readonly connection: string | null;
}

/** Registrations of triggers in PostgreSQL. */
export function triggerStore(db: Kysely<Database>, run: Run): TriggerStore {
  return {
    all: () => run(() => loadAll(db)),
    change: ({ put, retire }) =>
      run(() =>
        db.transaction().execute(async (tx) => {
          for (const record of put) await write(tx, record);
          if (retire.length === 0) return;
          await sql`update hearth.trigger set retired = true, retired_at = coalesce(retired_at, now()) where trigger_id = any(${retire})`.execute(
            tx,
          );
        }),
      ),
    keepConnection: (id, connection) =>
      run(async () => void (await sql`update hearth.trigger set connection = ${connection} where trigger_id = ${id}`.execute(db))),
    delete: (id) => run(async () => void (await sql`delete from hearth.trigger where trigger_id = ${id}`.execute(db))),
  };
}

async function loadAll(db: Kysely<Database>): Promise<TriggerRecord[]> {
  const { rows } = await sql<TriggerRow>`
    select trigger_id as id, account_id as "accountId", region, function_id as "functionId", function_name as "functionName", kind, configuration,
      (extract(epoch from changed_at) * 1000)::float8 as "changedAtMs", retired, mapping,
      (extract(epoch from retired_at) * 1000)::float8 as "retiredAtMs", connection
    from hearth.trigger order by trigger_id`.execute(db);
  return rows.map(recordOf);
}

function recordOf(row: TriggerRow): TriggerRecord {
  try {
    const { mapping, retiredAtMs, connection, ...rest } = row;
    const there = Object.entries({ mapping, retiredAtMs, connection }).filter(([, value]) => value !== null);
    return freezeDeep({ ...rest, ...Object.fromEntries(there), ...parseTrigger(row.kind, row.configuration) });
  } catch (error) {
    throw new HearthError(
      'ServiceException',
      `Trigger ${row.id} (${row.kind}, of ${row.functionName}) is not stored as this Hearth expects: ${(error as Error).message}. Delete it from hearth.trigger and deploy the function again, or start the Hearth that wrote it.`,
      { cause: error },
    );
  }
}

async function write(tx: Kysely<Database>, record: TriggerRecord): Promise<void> {
  const configuration = JSON.stringify(record.configuration);
  const changedAt = sql`to_timestamp(${record.changedAtMs}::float8 / 1000)`;
  await sql`
    insert into hearth.trigger (trigger_id, account_id, region, function_id, function_name, kind, configuration, changed_at, retired, mapping)
    values (${record.id}, ${record.accountId}, ${record.region}, ${record.functionId}, ${record.functionName}, ${record.kind},
      ${configuration}::jsonb, ${changedAt}, ${record.retired},
      ${record.mapping === undefined ? null : JSON.stringify(record.mapping)}::jsonb)
    on conflict (trigger_id) do update set configuration = excluded.configuration, changed_at = excluded.changed_at,
      function_id = excluded.function_id, function_name = excluded.function_name, mapping = excluded.mapping`.execute(tx);
}
