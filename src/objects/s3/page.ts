import type { Stretch } from '../object-index.ts';
import { successor } from '../successor.ts';

/** A page of a list: keys, and the prefixes that stand for all keys below them. */
export interface Page<T> {
  readonly items: readonly T[];
  readonly prefixes: readonly string[];
  readonly truncated: boolean;
  /** Where the next page starts; null at the end. */
  readonly next: { readonly after: string; readonly inclusive: boolean } | null;
  /** The last key or prefix shown; null when nothing was. */
  readonly last: { readonly text: string; readonly prefix: boolean } | null;
}

export interface PageQuery<T> {
  readonly stretch: Omit<Stretch, 'limit'>;
  readonly delimiter: string;
  /** Most keys and prefixes together. */
  readonly most: number;
  /** Rows of a stretch in order; `started`: whether rows were shown before. */
  readonly fetch: (stretch: Stretch, last: T | null) => Promise<readonly T[]>;
  readonly keyOf: (item: T) => string;
}

/** Gathers a page. Below a prefix nothing is read but its first keys: the list goes on behind it. */
export async function gatherPage<T>(q: PageQuery<T>): Promise<Page<T>> {
  const items: T[] = [];
  const prefixes: string[] = [];
  let cursor: { after: string; inclusive: boolean } = q.stretch;
  let last = null as Page<T>['last'];
  let lastItem = null as T | null;
  if (q.most === 0) return { items, prefixes, truncated: false, next: null, last };
  for (;;) {
    const limit = Math.max(q.most - items.length - prefixes.length + 1, 2);
    const rows = await q.fetch({ ...q.stretch, ...cursor, limit }, lastItem);
    for (const row of rows) {
      const key = q.keyOf(row);
      const prefix = commonPrefix(key, q.stretch.prefix, q.delimiter);
      if (prefix !== null && last?.text === prefix) continue;
      if (items.length + prefixes.length === q.most) return { items, prefixes, truncated: true, next: cursor, last };
      if (prefix === null) {
        items.push(row);
        lastItem = row;
        last = { text: key, prefix: false };
        cursor = { after: key, inclusive: false };
      } else {
        prefixes.push(prefix);
        lastItem = null;
        last = { text: prefix, prefix: true };
        const behind = successor(prefix);
        if (behind === null) return { items, prefixes, truncated: false, next: null, last };
        cursor = { after: behind, inclusive: true };
      }
    }
    if (rows.length < limit) return { items, prefixes, truncated: false, next: null, last };
  }
}

/** What stands for a key in a list with a delimiter; null for the key itself. */
function commonPrefix(key: string, prefix: string, delimiter: string): string | null {
  if (delimiter === '') return null;
  const at = key.indexOf(delimiter, prefix.length);
  return at < 0 ? null : key.slice(0, at + delimiter.length);
}
