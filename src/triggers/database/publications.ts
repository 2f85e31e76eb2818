import type { Pool } from 'pg';
import { slotName, textOf } from './catalog.ts';
import type { ChangeSettings, TableName } from './settings.ts';

/** What of the wanted tables can be followed. */
export interface Published {
  readonly publications: readonly string[];
  /** Whether nothing is in them. */
  readonly empty: boolean;
  readonly missing: readonly string[];
  /** Tables without a primary key or replica identity: only what is inserted is seen. */
  readonly insertsOnly: readonly string[];
  /** Tables that are there and were published by neither until now. */
  readonly added: readonly string[];
  /** Whether one was not there until now. */
  readonly anew: boolean;
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

/** More looks than it takes for what others do to the tables at the same time. */
const MOST_LOOKS = 5;
/** What PostgreSQL answers where another was quicker: it is in already, it is no more in, there is no such table any more. */
const OVERTAKEN = new Set<unknown>(['42710', '42704', '42P01']);

interface Present {
  readonly table: TableName;
  readonly identity: boolean;
}

interface Publication {
  readonly name: string;
  readonly events: readonly string[];
  readonly tables: readonly TableName[];
}

/**
 * Makes the publications what the trigger wants, and changes nothing when they are. A table without an identity of its rows is published apart, without
 * updates and deletes: PostgreSQL would refuse these to the application that makes them. Both are there from the beginning, be they empty or publish nothing: a stream reads those
 * that it was begun with, tables come, or come to be of the other kind, while it runs, and what was written before a publication was made can't be read by its name (before PostgreSQL 18).
 *
 * The server itself puts tables in meanwhile (`watchDefinitions`), so all is judged by one look, only what differs is changed, one table at a time, and the next
 * look tells whether it is so.
 */
export async function publish(pool: Pool, triggerId: string, settings: ChangeSettings): Promise<Published> {
  const base = slotName(triggerId);
  let before: Pick<Published, 'added' | 'anew'> | null = null;
  for (let looks = 1; ; looks++) {
    const { present, publications } = await look(pool, settings.tables, [base, `${base}_i`]);
    const published = publications.flatMap((p) => p.tables);
    before ??= {
      added: without(
        present.map((t) => t.table),
        published,
      ).map(textOf),
      anew: publications.length < 2,
    };
    const inserted = present.filter((t) => !t.identity).map((t) => t.table);
    const whole = { name: base, tables: present.filter((t) => t.identity).map((t) => t.table), events: [...settings.events] };
    const inserts = { name: `${base}_i`, tables: inserted, events: whole.events.filter((e) => e === 'insert' || e === 'truncate') };
    const wanted = [whole, inserts];
    const changes = wanted.map((w) => changesOf(w, publications.find((p) => p.name === w.name) ?? null));
    if (changes.every((c) => c.come.length + c.gone.length === 0) || looks === MOST_LOOKS) {
      const names = new Set(present.map((t) => textOf(t.table)));
      const losesEvents = settings.events.has('update') || settings.events.has('delete');
      return {
        publications: wanted.map((w) => w.name),
        empty: wanted.every((w) => w.tables.length === 0 || w.events.length === 0),
        missing: settings.tables.map(textOf).filter((name) => !names.has(name)),
        insertsOnly: losesEvents ? inserted.map(textOf) : [],
        ...before,
      };
    }
    // A table that moves is in both for a moment, and never in none: what is written into it then would be lost.
    for (const text of [...changes.flatMap((c) => c.come), ...changes.flatMap((c) => c.gone)]) await apply(pool, text);
  }
}

export async function dropPublications(pool: Pool, triggerId: string): Promise<void> {
  const base = slotName(triggerId);
  await pool.query(`drop publication if exists "${base}", "${base}_i"`);
}

/** In one statement: what one says of the tables must not be older than what another says of the publications. */
async function look(
  pool: Pool,
  tables: readonly TableName[],
  names: readonly string[],
): Promise<{ present: readonly Present[]; publications: readonly Publication[] }> {
  const { rows } = await pool.query<{ present: Present[] | null; publications: Publication[] | null }>(
    `select
       (select json_agg(json_build_object('table', json_build_object('schema', c.nspname, 'table', c.relname), 'identity', ${HAS_IDENTITY}) order by c.nspname, c.relname)
        from (select n.nspname, c.relname, c.oid from unnest($1::text[], $2::text[]) as w(schema, name)
          join pg_namespace n on n.nspname = w.schema
          join pg_class c on c.relnamespace = n.oid and c.relname = w.name and c.relkind in ('r', 'p')) c) as present,
       (select json_agg(json_build_object('name', p.pubname,
          'events', array_remove(array[case when pubinsert then 'insert' end, case when pubupdate then 'update' end, case when pubdelete then 'delete' end,
            case when pubtruncate then 'truncate' end], null),
          'tables', array(select json_build_object('schema', n.nspname, 'table', c.relname) from pg_publication_rel r join pg_class c on c.oid = r.prrelid
            join pg_namespace n on n.oid = c.relnamespace where r.prpubid = p.oid)))
        from pg_publication p where p.pubname = any($3)) as publications`,
    [tables.map((t) => t.schema), tables.map((t) => t.table), names],
  );
  return { present: rows[0]?.present ?? [], publications: rows[0]?.publications ?? [] };
}

/** The statements that make a publication what it is to be: those after which more is in it, and those after which less is. */
function changesOf(wanted: Publication, found: Publication | null): { come: string[]; gone: string[] } {
  const { name } = wanted;
  const options = `publish = '${wanted.events.join(', ')}', publish_via_partition_root = true`;
  const tables = wanted.tables.length === 0 ? '' : `for table ${wanted.tables.map(quoted).join(', ')}`;
  if (found === null) return { come: [`create publication "${name}" ${tables} with (${options})`], gone: [] };
  const gone = without(found.tables, wanted.tables).map((t) => `alter publication "${name}" drop table ${quoted(t)}`);
  const come = without(wanted.tables, found.tables).map((t) => `alter publication "${name}" add table ${quoted(t)}`);
  const same = found.events.length === wanted.events.length && wanted.events.every((e) => found.events.includes(e));
  return { come: [...come, ...(same ? [] : [`alter publication "${name}" set (${options})`])], gone };
}

async function apply(pool: Pool, text: string): Promise<void> {
  await pool.query(text).catch((error: unknown) => {
    if (!OVERTAKEN.has((error as { code?: unknown }).code)) throw error;
  });
}

function without(all: readonly TableName[], some: readonly TableName[]): TableName[] {
  const names = new Set(some.map(textOf));
  return all.filter((t) => !names.has(textOf(t)));
}

function quoted({ schema, table }: TableName): string {
  return [schema, table].map((name) => `"${name.replaceAll('"', '""')}"`).join('.');
}
