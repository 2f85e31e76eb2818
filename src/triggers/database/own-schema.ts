import type { Pool } from 'pg';

/** Where the functions of Hearth's triggers in a followed database are. */
export const SCHEMA = 'hearth_triggers';

/**
 * Makes the schema, for a role that is a superuser. One that belongs to another who is none, or has functions that do, is moved out of the way first, and what of
 * Hearth's runs them is dropped: whoever owns a schema may put others in the place of its functions, and these run with the rights of a superuser. A function of a
 * function's could have made it before the first trigger did.
 */
export async function ensureSchema(pool: Pool): Promise<void> {
  const { rows } = await pool.query<{ trusted: boolean }>(
    `select r.rolsuper and not exists (
       select 1 from pg_proc p join pg_roles o on o.oid = p.proowner where p.pronamespace = n.oid and not o.rolsuper) as trusted
     from pg_namespace n join pg_roles r on r.oid = n.nspowner where n.nspname = $1`,
    [SCHEMA],
  );
  if (rows[0]?.trusted === true) return;
  if (rows.length > 0) await pool.query(MOVE_AWAY);
  // Not `if not exists`: one that another has made in this moment is looked at again.
  await pool.query(`create schema ${SCHEMA}`).catch((error: unknown) => {
    if ((error as { code?: unknown }).code !== ALREADY_THERE) throw error;
    return ensureSchema(pool);
  });
}

const ALREADY_THERE = '42P06';

/** In one transaction. What hangs on the functions, event triggers and triggers of tables, goes with them and is made anew by whoever wants it. */
const MOVE_AWAY = `do $hearth$
  declare f record;
  begin
    for f in select p.oid::regprocedure as name from pg_proc p join pg_namespace n on n.oid = p.pronamespace where n.nspname = '${SCHEMA}' and p.proname ~ '^hearth_'
    loop
      execute format('drop routine %s cascade', f.name);
    end loop;
    execute format('alter schema ${SCHEMA} rename to %I', '${SCHEMA}_of_another_' || floor(extract(epoch from clock_timestamp()) * 1000)::bigint);
  end $hearth$`;
