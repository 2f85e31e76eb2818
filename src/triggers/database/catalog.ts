import type { Pool } from 'pg';
import type { ChangeSettings, TableName } from './settings.ts';

/** The name of a trigger's slot, and of its publication; that of the tables whose updates can't be followed ends in `_i`. */
export function slotName(triggerId: string): string {
  return `hearth_${triggerId.replaceAll('-', '_')}`;
}

/** What of the wanted tables can be followed. */
export interface Published {
  readonly publications: readonly string[];
  /** Whether nothing is in them. */
  readonly empty: boolean;
  readonly missing: readonly string[];
  /** Tables without a primary key or replica identity: only what is inserted is seen. */
  readonly insertsOnly: readonly string[];
}

interface TableRow extends TableName {
  readonly identity: boolean;
}

/**
 * Whether updates and deletes of a table `c` (of pg_class) can be published: as PostgreSQL judges it when an application makes them, which it refuses otherwise.
 * A key that is checked at the end of a transaction only tells no rows apart; of a partitioned table each partition is judged by itself.
 */
export const HAS_IDENTITY = `not exists (
  select 1 from (select c.oid as relid union select p.relid from pg_partition_tree(c.oid) p where p.isleaf) part join pg_class l on l.oid = part.relid
  where l.relreplident <> 'f' and not exists (
    select 1 from pg_index i where i.indrelid = l.oid and i.indisvalid and i.indimmediate
      and case l.relreplident when 'd' then i.indisprimary when 'i' then i.indisreplident else false end))`;

/**
 * Makes the publications what the trigger wants, and changes nothing when they are. A table without an identity of its rows is published apart, without
 * updates and deletes: PostgreSQL would refuse these to the application that makes them. Both are there from the beginning, be they empty: a stream reads those
 * that it was begun with, and tables come, or come to be of the other kind, while it runs.
 */
export async function publish(pool: Pool, triggerId: string, settings: ChangeSettings): Promise<Published> {
  const present = await presentTables(pool, settings.tables);
  const followed = present.filter((t) => t.identity);
  const inserted = present.filter((t) => !t.identity);
  const base = slotName(triggerId);
  const whole = { tables: followed, events: [...settings.events] };
  const inserts = { tables: inserted, events: whole.events.filter((e) => e === 'insert' || e === 'truncate') };
  const publications = [...(await ensurePublication(pool, base, whole)), ...(await ensurePublication(pool, `${base}_i`, inserts))];
  const names = new Set(present.map(textOf));
  const losesEvents = settings.events.has('update') || settings.events.has('delete');
  return {
    publications,
    empty: [whole, inserts].every((p) => p.tables.length === 0 || p.events.length === 0),
    missing: settings.tables.map(textOf).filter((name) => !names.has(name)),
    insertsOnly: losesEvents ? inserted.map(textOf) : [],
  };
}

async function presentTables(pool: Pool, tables: readonly TableName[]): Promise<TableRow[]> {
  const { rows } = await pool.query<{ schema: string; table: string; identity: boolean }>(
    `select n.nspname as schema, c.relname as table,
       ${HAS_IDENTITY} as identity
     from unnest($1::text[], $2::text[]) as w(schema, name)
     join pg_namespace n on n.nspname = w.schema
     join pg_class c on c.relnamespace = n.oid and c.relname = w.name and c.relkind in ('r', 'p')
     order by 1, 2`,
    [tables.map((t) => t.schema), tables.map((t) => t.table)],
  );
  return rows;
}

async function ensurePublication(
  pool: Pool,
  name: string,
  { tables, events }: { tables: readonly TableName[]; events: readonly string[] },
): Promise<string[]> {
  const { rows } = await pool.query<{ events: string[]; tables: string[] }>(
    `select array_remove(array[case when pubinsert then 'insert' end, case when pubupdate then 'update' end, case when pubdelete then 'delete' end,
         case when pubtruncate then 'truncate' end], null) as events,
       array(select n.nspname || '.' || c.relname from pg_publication_rel r join pg_class c on c.oid = r.prrelid
         join pg_namespace n on n.oid = c.relnamespace where r.prpubid = p.oid order by 1)::text[] as tables
     from pg_publication p where pubname = $1`,
    [name],
  );
  const found = rows[0];
  if (events.length === 0) {
    if (found !== undefined) await pool.query(`drop publication if exists "${name}"`);
    return [];
  }
  const list = tables.map((t) => `"${t.schema}"."${t.table}"`).join(', ');
  const options = `publish = '${events.join(', ')}', publish_via_partition_root = true`;
  if (found === undefined) await pool.query(`create publication "${name}" ${list === '' ? '' : `for table ${list}`} with (${options})`);
  else {
    if (!same(found.tables, tables.map(textOf))) await setTables(pool, name, { list, present: found.tables });
    if (!same(found.events, events)) await pool.query(`alter publication "${name}" set (${options})`);
  }
  return [name];
}

/** What a publication lists can be replaced, and not by nothing. */
async function setTables(pool: Pool, name: string, { list, present }: { list: string; present: readonly string[] }): Promise<void> {
  if (list !== '') await pool.query(`alter publication "${name}" set table ${list}`);
  else {
    const gone = present.map((text) =>
      text
        .split('.')
        .map((part) => `"${part}"`)
        .join('.'),
    );
    await pool.query(`alter publication "${name}" drop table ${gone.join(', ')}`);
  }
}

function same(a: readonly string[], b: readonly string[]): boolean {
  const set = new Set(a);
  return a.length === b.length && b.every((item) => set.has(item));
}

export function textOf({ schema, table }: TableName): string {
  return `${schema}.${table}`;
}

/** How a slot is. */
export interface SlotState {
  readonly active: boolean;
  /** Where its acknowledged part ends; null: it is being made. */
  readonly confirmed: string | null;
  /** `reserved`, `extended`, `unreserved`: the next checkpoint may remove what it needs; `lost`: it has. */
  readonly walStatus: string;
  readonly lagBytes: number;
  /** What may still be written before it is lost; null: without bound. */
  readonly safeBytes: number | null;
}

export async function slotState(pool: Pool, slot: string): Promise<SlotState | null> {
  const { rows } = await pool.query<{
    active: boolean;
    confirmed: string | null;
    status: string | null;
    lag: string | null;
    safe: string | null;
  }>(
    `select active, confirmed_flush_lsn::text as confirmed, wal_status as status, safe_wal_size::text as safe,
       pg_wal_lsn_diff(pg_current_wal_lsn(), confirmed_flush_lsn)::text as lag
     from pg_replication_slots where slot_name = $1`,
    [slot],
  );
  const row = rows[0];
  if (row === undefined) return null;
  return {
    active: row.active,
    confirmed: row.confirmed,
    walStatus: row.status ?? (row.confirmed === null ? 'reserved' : 'lost'),
    lagBytes: Math.max(0, Number(row.lag ?? 0)),
    safeBytes: row.safe === null ? null : Number(row.safe),
  };
}

/** Drops a slot if it is there. Rejects with 55006 while somebody streams it. */
export async function dropSlot(pool: Pool, slot: string): Promise<void> {
  await pool.query('select pg_drop_replication_slot(slot_name) from pg_replication_slots where slot_name = $1', [slot]);
}

export async function dropPublications(pool: Pool, triggerId: string): Promise<void> {
  const base = slotName(triggerId);
  await pool.query(`drop publication if exists "${base}", "${base}_i"`);
}

/** Names of the columns that tell the rows of a table apart: its primary key; none when it has none. */
export async function primaryKey(pool: Pool, { schema, table }: TableName): Promise<string[]> {
  const { rows } = await pool.query<{ name: string }>(
    `select a.attname as name from pg_index i join pg_class c on c.oid = i.indrelid join pg_namespace n on n.oid = c.relnamespace
       join lateral unnest(i.indkey) with ordinality as k(attnum, place) on true
       join pg_attribute a on a.attrelid = c.oid and a.attnum = k.attnum
     where n.nspname = $1 and c.relname = $2 and i.indisprimary order by k.place`,
    [schema, table],
  );
  return rows.map((r) => r.name);
}

/** Slots here that Hearth made. */
export async function slotsOfHearth(pool: Pool): Promise<string[]> {
  const { rows } = await pool.query<{ name: string }>(
    "select slot_name as name from pg_replication_slots where slot_name ~ '^hearth_[0-9a-f_]{36}$' and database = current_database()",
  );
  return rows.map((r) => r.name);
}

/** What of the server's settings is in the way, in a sentence; null when nothing is. */
export async function settingsFault(pool: Pool): Promise<string | null> {
  const { rows } = await pool.query<{ level: string }>("select current_setting('wal_level') as level");
  const level = rows[0]?.level;
  if (level === 'logical') return null;
  return `the server has wal_level = ${level}; set wal_level = logical and restart it`;
}

/** Whether a trigger that stays away may fill the source's disk. */
export async function unboundedSlots(pool: Pool): Promise<boolean> {
  const { rows } = await pool.query<{ size: string }>("select current_setting('max_slot_wal_keep_size') as size");
  return rows[0]?.size === '-1';
}
