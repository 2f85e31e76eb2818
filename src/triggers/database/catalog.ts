import type { Pool } from 'pg';
import type { Clock } from '../../lib/clock.ts';
import { sleep } from '../../lib/sleep.ts';
import type { TableName } from './settings.ts';

/** The name of a trigger's slot, and of its publication; that of the tables whose updates can't be followed ends in `_i`. */
export function slotName(triggerId: string): string {
  return `hearth_${triggerId.replaceAll('-', '_')}`;
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

const LOOK_AGAIN_MS = 50;

/** Resolves when every transaction that has written by now has ended. */
export async function outlast(pool: Pool, clock: Clock): Promise<void> {
  const { rows } = await pool.query<{ next: string }>('select txid_snapshot_xmax(txid_current_snapshot())::text as next');
  for (;;) {
    const looked = await pool.query<{ ended: boolean }>('select txid_snapshot_xmin(txid_current_snapshot()) >= $1 as ended', [
      rows[0]?.next,
    ]);
    if (looked.rows[0]?.ended === true) return;
    await sleep(clock, LOOK_AGAIN_MS);
  }
}

/**
 * Names of the columns that tell the rows of a table apart: of its primary key, or of the index that is its replica identity, since no others come of a row that is
 * deleted; none when it has neither. Columns that an index only includes tell nothing apart.
 */
export async function rowKey(pool: Pool, { schema, table }: TableName): Promise<string[]> {
  const { rows } = await pool.query<{ name: string }>(
    `select a.attname as name from pg_index i join pg_class c on c.oid = i.indrelid join pg_namespace n on n.oid = c.relnamespace
       join lateral unnest(i.indkey) with ordinality as k(attnum, place) on true
       join pg_attribute a on a.attrelid = c.oid and a.attnum = k.attnum
     where n.nspname = $1 and c.relname = $2 and k.place <= i.indnkeyatts and case c.relreplident when 'i' then i.indisreplident else i.indisprimary end
     order by case c.relreplident when 'i' then k.attnum else k.place end`,
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
