import { Client, type ClientConfig } from 'pg';
import { keyOf, type Change, type Row } from './change.ts';
import type { Place } from './lsn.ts';
import type { Column, Relation } from './pgoutput.ts';
import type { TableName } from './settings.ts';
import { toJson } from './values.ts';
import { readerConfig } from './wal-stream.ts';

/** Rows held at once. */
const ROWS = 500;

export interface BackfillOptions {
  readonly config: ClientConfig;
  /** As a slot exported it: the rows as of the slot's beginning. */
  readonly snapshot: string;
  readonly place: Place;
  readonly tables: readonly (TableName & { readonly key: readonly string[] })[];
  readonly now: () => number;
}

/** The rows that are there, as changes, some hundred at a time: in the order of their key, so that the same rows make the same batches. */
export async function* backfill(options: BackfillOptions): AsyncGenerator<readonly Change[], void, undefined> {
  const text = { getTypeParser: () => (value: string) => value };
  const client = new Client({ ...readerConfig(options.config, 'hearth backfill'), types: text });
  client.on('error', () => {}); // the query that is under way rejects
  await client.connect();
  try {
    await client.query('begin transaction isolation level repeatable read, read only');
    await client.query(`set transaction snapshot '${options.snapshot}'`);
    // A table that was exchanged for a view meanwhile is not read: a view runs its owner's functions with our rights.
    await client.query(
      "select set_config(name, 'view, foreign-table', true) from pg_settings where name = 'restrict_nonsystem_relation_kind'",
    );
    let index = 0;
    for (const table of options.tables) {
      const order = table.key.length === 0 ? '' : ` order by ${table.key.map((k) => `"${k}"`).join(', ')}`;
      await client.query(`declare rows_there no scroll cursor for select * from "${table.schema}"."${table.table}"${order}`);
      for (;;) {
        const { rows, fields } = await client.query<Record<string, string | null>>(`fetch ${ROWS} from rows_there`);
        if (rows.length === 0) break;
        const columns = fields.map((f): Column => ({ name: f.name, typeOid: f.dataTypeID, identity: table.key.includes(f.name) }));
        const relation: Relation = {
          oid: fields[0]?.tableID ?? 0,
          schema: table.schema,
          table: table.table,
          replicaIdentity: 'default',
          columns,
        };
        yield rows.map((row) => read(relation, row, { table, place: { ...options.place, index: index++ }, now: options.now }));
      }
      await client.query('close rows_there');
    }
    await client.query('commit');
  } finally {
    await client.end().catch(() => {});
  }
}

function read(
  relation: Relation,
  values: Readonly<Record<string, string | null>>,
  { table, place, now }: { table: { readonly key: readonly string[] }; place: Place; now: () => number },
): Change {
  const after: Row = Object.fromEntries(
    relation.columns.map(({ name, typeOid }) => {
      const value = values[name] ?? null;
      return [name, value === null ? null : toJson(value, typeOid)];
    }),
  );
  const key = keyOf(table.key, after);
  return { op: 'r', half: 'r', place, relation, before: null, after, key, xid: null, lsn: place.commitLsn, occurredAtMs: now() };
}
