import type { Pool } from 'pg';
import { slotName } from './catalog.ts';
import { ensureSchema, SCHEMA } from './own-schema.ts';
import { HAS_IDENTITY } from './publications.ts';
import type { TableName } from './settings.ts';

const NOT_ALLOWED = '42501';
/** Statements after which a table may be there, or may be told apart by another key. */
const TAGS = ['CREATE TABLE', 'CREATE TABLE AS', 'SELECT INTO', 'ALTER TABLE', 'DROP INDEX', 'CREATE SCHEMA', 'ALTER SCHEMA'];

/**
 * Lets the server put tables into the trigger's publications in the very transaction that makes them, by an event trigger of PostgreSQL: what is written into a new
 * table is then seen from its first row on. Resolves with whether the role may do so; only a superuser may, as on the bundled server.
 */
export async function watchDefinitions(pool: Pool, triggerId: string, tables: readonly TableName[]): Promise<boolean> {
  const { rows } = await pool.query<{ may: boolean }>('select rolsuper as may from pg_roles where rolname = current_user');
  if (rows[0]?.may !== true) return false;
  const name = slotName(triggerId);
  try {
    await ensureSchema(pool);
    await pool.query(functionText(name, tables));
    const found = await pool.query('select 1 from pg_event_trigger where evtname = $1 and evttags @> $2 and evttags <@ $2', [name, TAGS]);
    if (found.rows.length > 0) return true;
    const tags = TAGS.map((t) => `'${t}'`).join(', ');
    await pool.query(
      `drop event trigger if exists "${name}"; create event trigger "${name}" on ddl_command_end when tag in (${tags}) execute function ${SCHEMA}."${name}"()`,
    );
    return true;
  } catch (error) {
    if ((error as { code?: unknown }).code === NOT_ALLOWED) return false;
    throw error;
  }
}

/** Removes what `watchDefinitions` made. */
export async function dropDefinitionWatch(pool: Pool, triggerId: string): Promise<void> {
  const name = slotName(triggerId);
  const found = await pool.query('select 1 from pg_event_trigger where evtname = $1', [name]);
  if (found.rows.length === 0) return;
  await pool.query(`drop event trigger if exists "${name}"`);
  await pool.query(`drop function if exists ${SCHEMA}."${name}"()`);
}

/**
 * Runs with the rights of who made it, since whoever makes a table need not own the publication; hence no name is looked up but PostgreSQL's own. Whatever goes
 * wrong in it must not be the trouble of who makes a table: the follower looks for it later.
 */
function functionText(name: string, tables: readonly TableName[]): string {
  const wanted = tables.map(({ schema, table }) => `(${quoted(schema)}, ${quoted(table)})`).join(', ');
  return `create or replace function ${SCHEMA}."${name}"() returns event_trigger language plpgsql security definer set search_path = pg_catalog, pg_temp as $hearth$
    declare t record; home text; other text;
    begin
      for t in
        select c.oid, n.nspname as schema, c.relname as name,
          ${HAS_IDENTITY} as identity
        from (values ${wanted}) w(schema, name)
        join pg_namespace n on n.nspname = w.schema
        join pg_class c on c.relnamespace = n.oid and c.relname = w.name and c.relkind in ('r', 'p')
      loop
        home := case when t.identity then '${name}' else '${name}_i' end;
        other := case when t.identity then '${name}_i' else '${name}' end;
        if exists (select 1 from pg_publication_rel r join pg_publication p on p.oid = r.prpubid where p.pubname = other and r.prrelid = t.oid) then
          execute format('alter publication %I drop table %I.%I', other, t.schema, t.name);
        end if;
        if exists (select 1 from pg_publication where pubname = home) and not exists (
          select 1 from pg_publication_rel r join pg_publication p on p.oid = r.prpubid where p.pubname = home and r.prrelid = t.oid) then
          execute format('alter publication %I add table %I.%I', home, t.schema, t.name);
        end if;
      end loop;
    exception when others then
      raise log 'hearth: a new table could not be published: %', sqlerrm;
    end $hearth$`;
}

/** A literal. Names have no quotes or dollars that matter: the manifest's schema refuses double quotes, and single ones are doubled here. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", "''")}'::name`;
}
