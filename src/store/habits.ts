import { sql } from 'kysely';
import type { Kysely } from 'kysely';
import { z } from 'zod';
import type { StoredHabit } from '../model/habit.ts';
import type { Run } from './functions.ts';
import type { Database } from './schema.ts';
import type { HabitStore } from './store.ts';

const count = z.number().int().nonnegative();
const idleTimes = z.object({ counts: z.array(count), beyond: count });

/** Habits of functions in PostgreSQL. */
export function habitStore(db: Kysely<Database>, run: Run): HabitStore {
  return {
    all: () => run(() => all(db)),
    save: (habits) =>
      run(async () => {
        if (habits.length > 0) await save(db, habits);
      }),
  };
}

/** A histogram that can't be read is as good as none: it is learnt anew. */
async function all(db: Kysely<Database>): Promise<StoredHabit[]> {
  const rows = await db
    .selectFrom('hearth.function_habit')
    .select(['function_id as functionId', 'document'])
    .select(sql<number | null>`(extract(epoch from last_used_at) * 1000)::float8`.as('lastUsedAtMs'))
    .execute();
  return rows.flatMap(({ functionId, lastUsedAtMs, document }) => {
    const parsed = idleTimes.safeParse(document);
    return parsed.success ? [{ functionId, lastUsedAtMs, idleTimes: parsed.data }] : [];
  });
}

/** One statement whatever their number. A function that was removed meanwhile has no habit left to keep. */
async function save(db: Kysely<Database>, habits: readonly StoredHabit[]): Promise<void> {
  await sql`
    insert into hearth.function_habit (account_id, region, function_id, last_used_at, document)
    select f.account_id, f.region, f.function_id, to_timestamp(h."lastUsedAtMs" / 1000), h."idleTimes"
    from json_to_recordset(${JSON.stringify(habits)}::json) as h("functionId" text, "lastUsedAtMs" float8, "idleTimes" jsonb)
    join hearth.function f on f.function_id = h."functionId"
    on conflict (account_id, region, function_id)
    do update set last_used_at = excluded.last_used_at, document = excluded.document
  `.execute(db);
}
