import type { Pool } from 'pg';
import { SESSION_MESSAGE, SESSION_NAME_PATTERN } from '../../model/session-name.ts';
import { ensureSchema, SCHEMA } from './own-schema.ts';
import type { TableName } from './settings.ts';

const NAME = 'hearth_session';
/** Longest that an application's writes may be held up by a trigger that is made or removed: who writes waits behind whoever waits for the table's lock. */
const LOCK_MS = 100;
/** Two followers that make the same at once would fail. */
const ALONE = 'select pg_advisory_xact_lock(8420, 44)';

/**
 * Lets the bundled server say, in the transactions of functions that write into these tables, which instance's they are: by a trigger on each table, for each statement,
 * that does nothing unless the session is an instance's (see `sessionName`). Partitions have it, too: one that is written into by its own name sets off no trigger of its root. What can't be done now, for a table that is locked, is done at the next look; nothing fails for it.
 */
export async function watchSessions(pool: Pool, tables: readonly TableName[]): Promise<void> {
  await ensureSchema(pool); // before the look at what is there: what is not to be trusted goes
  const { rows } = await pool.query<{ name: string }>(
    `select format('%I.%I', n.nspname, c.relname) as name
     from unnest($1::text[], $2::text[]) as w(schema, name)
     join pg_namespace s on s.nspname = w.schema
     join pg_class followed on followed.relnamespace = s.oid and followed.relname = w.name
     join lateral (select followed.oid as relid union select p.relid from pg_partition_tree(followed.oid) p) written on true
     join pg_class c on c.oid = written.relid and c.relkind in ('r', 'p')
     join pg_namespace n on n.oid = c.relnamespace
     where not exists (select 1 from pg_trigger t where t.tgrelid = c.oid and t.tgname = $3)`,
    [tables.map((t) => t.schema), tables.map((t) => t.table), NAME],
  );
  if (rows.length > 0) await attempt(pool, FUNCTION);
  for (const { name } of rows) await attempt(pool, triggerOn(name));
}

/** Removes the triggers of tables that nobody follows any more, and with the last of them their function. What is locked now keeps one, which does no harm, until the next time. */
export async function dropUnfollowed(pool: Pool): Promise<void> {
  const { rows } = await pool.query<{ name: string }>(
    `select format('%I.%I', n.nspname, c.relname) as name
     from pg_trigger t join pg_class c on c.oid = t.tgrelid join pg_namespace n on n.oid = c.relnamespace
     where t.tgname = $1 and t.tgparentid = 0 and not exists (
       select 1 from pg_publication_rel r join pg_publication p on p.oid = r.prpubid
       where (r.prrelid = c.oid or r.prrelid in (select pg_partition_ancestors(c.oid))) and p.pubname ~ '^hearth_[0-9a-f_]{36}(_i)?$')`,
    [NAME],
  );
  for (const { name } of rows) await attempt(pool, `drop trigger if exists ${NAME} on ${name}`);
  const left = await pool.query('select 1 from pg_trigger where tgname = $1 limit 1', [NAME]);
  if (left.rows.length === 0) await attempt(pool, `drop function if exists ${SCHEMA}.${NAME}()`);
}

/** All in one transaction, or nothing: locked, gone, or made by another meanwhile. */
async function attempt(pool: Pool, text: string): Promise<void> {
  await pool.query(`set local lock_timeout = ${LOCK_MS}; ${ALONE}; ${text}`).catch(() => {});
}

function triggerOn(table: string): string {
  return `create trigger ${NAME} before insert or update or delete or truncate on ${table} for each statement
    when (pg_catalog.current_setting('application_name') ~ '${SESSION_NAME_PATTERN}') execute function ${SCHEMA}.${NAME}()`;
}

/**
 * Runs with the rights of who writes. Once a transaction is enough: that a setting for the transaction says it is taken back with the message by a savepoint. Nothing in it
 * can fail, and so it catches nothing: what is said in a subtransaction, which catching makes, is decoded after the row that it is about.
 */
const FUNCTION = `create or replace function ${SCHEMA}.${NAME}() returns trigger language plpgsql set search_path = pg_catalog, pg_temp as $hearth$
    begin
      if current_setting('${SESSION_MESSAGE}', true) is distinct from 'said' then
        perform pg_logical_emit_message(true, '${SESSION_MESSAGE}', substring(current_setting('application_name') from '${SESSION_NAME_PATTERN}')
          || ' ' || floor(extract(epoch from clock_timestamp()) * 1000)::bigint);
        perform set_config('${SESSION_MESSAGE}', 'said', true);
      end if;
      return null;
    end $hearth$`;
