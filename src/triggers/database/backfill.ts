import { Client, Query, type ClientConfig, type FieldDef } from 'pg';
import { keyOf, type Change, type Row } from './change.ts';
import type { Place } from './lsn.ts';
import type { Column, Relation } from './pgoutput.ts';
import type { Sessions } from './sessions.ts';
import type { TableName } from './settings.ts';
import { toJson } from './values.ts';
import { readerConfig } from './wal-stream.ts';

/** So many bytes of rows may wait to be taken before the socket is not read any more. */
const WAITING_BYTES = 1024 * 1024;

export interface BackfillOptions {
  readonly config: ClientConfig;
  /** As a slot exported it: the rows as of the slot's beginning. */
  readonly snapshot: string;
  readonly place: Place;
  readonly tables: readonly (TableName & { readonly key: readonly string[] })[];
  readonly now: () => number;
  /** Counts its connection among them. */
  readonly sessions: Pick<Sessions, 'add'>;
}

/**
 * The rows that are there, as changes, as many at a time as have come: in the order of their key, so that the same rows make the same batches. Rows are read as they are
 * taken, however large they are.
 */
export async function* backfill(options: BackfillOptions): AsyncGenerator<readonly Change[], void, undefined> {
  const text = { getTypeParser: () => (value: string) => value };
  const client = new Client({ ...readerConfig(options.config, 'hearth backfill'), types: text });
  client.on('error', () => {}); // the query that is under way rejects
  await client.connect();
  options.sessions.add(client);
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
      for await (const { rows, fields } of rowsOf(client, `select * from "${table.schema}"."${table.table}"${order}`)) {
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
    }
    await client.query('commit');
  } finally {
    await client.end().catch(() => {});
  }
}

type TextRow = Readonly<Record<string, string | null>>;

/** What a query finds, as it comes; while nobody takes it, the socket is not read, and the server keeps the rest. */
async function* rowsOf(client: Client, text: string): AsyncGenerator<{ rows: readonly TextRow[]; fields: readonly FieldDef[] }> {
  const { stream } = (client as unknown as { connection: { stream: { pause(): void; resume(): void; destroy(): void } } }).connection;
  const query = client.query(new Query<TextRow>(text));
  let [rows, fields, bytes]: [TextRow[], readonly FieldDef[], number] = [[], [], 0];
  let ended: { readonly error: Error | null } | null = null;
  let wake = (): void => {};
  query.on('row', (row, result) => {
    rows.push(row);
    fields = result?.fields ?? fields;
    for (const value of Object.values(row)) bytes += value?.length ?? 0;
    if (bytes > WAITING_BYTES) stream.pause();
    wake();
  });
  query.on('end', () => ((ended = { error: null }), wake()));
  query.on('error', (error) => ((ended = { error }), wake()));
  try {
    for (;;) {
      if (rows.length === 0 && ended === null) await new Promise<void>((resolve) => (wake = resolve));
      const taken = rows;
      [rows, bytes] = [[], 0];
      if (taken.length > 0) yield { rows: taken, fields };
      else if (ended !== null) {
        const { error } = ended as { readonly error: Error | null };
        if (error !== null) throw error;
        return;
      }
      stream.resume();
    }
  } finally {
    // Given up half-way: the rest is not read to say goodbye.
    if (ended === null) stream.destroy();
  }
}

function read(
  relation: Relation,
  values: TextRow,
  { table, place, now }: { table: { readonly key: readonly string[] }; place: Place; now: () => number },
): Change {
  const after: Row = Object.fromEntries(
    relation.columns.map(({ name, typeOid }) => {
      const value = values[name] ?? null;
      return [name, value === null ? null : toJson(value, typeOid)];
    }),
  );
  const key = keyOf(table.key, after);
  return {
    op: 'r',
    half: 'r',
    place,
    relation,
    before: null,
    after,
    key,
    xid: null,
    lsn: place.commitLsn,
    occurredAtMs: now(),
    lineage: '',
  };
}
