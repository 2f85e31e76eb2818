import type { Relation, Tuple } from './pgoutput.ts';
import type { Lsn, Place } from './lsn.ts';
import { toJson, type Json } from './values.ts';

/** Debezium's letter for what happened: created, updated, deleted, truncated, read by a backfill. */
type Operation = 'c' | 'u' | 'd' | 't' | 'r';

/** A row by column. */
export type Row = Readonly<Record<string, Json>>;

/** One change of one row, on its way to a function. */
export interface Change {
  readonly op: Operation;
  readonly place: Place;
  /** Distinguishes the two halves of an update that gave a row another key, and what a backfill read from what happened. */
  readonly half: '' | 'a' | 'b' | 'r';
  readonly relation: Relation;
  readonly before: Row | null;
  readonly after: Row | null;
  /** What tells the row from others of its table; null when the table has no key. */
  readonly key: string | null;
  readonly xid: number | null;
  /** Of the record in the log. */
  readonly lsn: Lsn;
  /** When its transaction was committed; of a backfill, when it was read. */
  readonly occurredAtMs: number;
  /** The chain of events that it belongs to, by what its transaction said; '' for none. */
  readonly lineage: string;
}

/** What stands for a large value that was not changed and that PostgreSQL does not send; Debezium's word. */
const UNAVAILABLE = '__debezium_unavailable_value';

/**
 * A row from its values. Of an old image that has only the identity's columns, only these. A large value that was not sent comes from `fallback`, the whole
 * old row, if there is one.
 */
export function rowOf(relation: Relation, tuple: Tuple, options: { fallback?: Tuple | undefined; identityOnly?: boolean } = {}): Row {
  const cells = relation.columns.flatMap((column, i): [string, Json][] => {
    if (options.identityOnly === true && !column.identity) return [];
    const text = tuple[i] === undefined ? options.fallback?.[i] : tuple[i];
    return [[column.name, text === undefined ? UNAVAILABLE : text === null ? null : toJson(text, column.typeOid)]];
  });
  return Object.fromEntries(cells); // unlike an assignment, makes a column called __proto__ one like any other
}

/** The key of a row as text; null when it has none. */
export function keyOf(columns: readonly string[], row: Row | null): string | null {
  if (row === null || columns.length === 0) return null;
  return JSON.stringify(columns.map((name) => row[name] ?? null));
}
