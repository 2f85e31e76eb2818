import { HearthError } from '../../errors.ts';
import type { Input } from './model/check.ts';

/** As on Lambda, whatever MaxItems says. */
const LONGEST_PAGE = 50;

/** One page of a list that is in order. */
export interface Page<T> {
  readonly items: readonly T[];
  /** `NextMarker`, unless this page is the last. */
  readonly next: { readonly NextMarker?: string };
}

/** Compares two keys: negative where the first comes before the second. */
export type KeyOrder = (a: string, b: string) => number;

/**
 * The page that `Marker` and `MaxItems` ask for. A marker holds the key of the page before's last item: what changes meanwhile neither repeats nor hides
 * others. `order`: that in which the list is.
 */
export function pageOf<T>(all: readonly T[], input: Input, keyOf: (item: T) => string, order: KeyOrder = byText): Page<T> {
  const size = Math.min((input['MaxItems'] as number | undefined) ?? LONGEST_PAGE, LONGEST_PAGE);
  const marker = (input['Marker'] as string | undefined) ?? '';
  const from = marker === '' ? 0 : after(all.map(keyOf), keyIn(marker), order);
  const items = all.slice(from, from + size);
  const last = items.at(-1);
  const more = last !== undefined && from + items.length < all.length;
  return { items, next: more ? { NextMarker: Buffer.from(keyOf(last)).toString('base64url') } : {} };
}

function byText(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

/** Versions of a function: `$LATEST`, then by number. */
export function byVersion(a: string, b: string): number {
  const place = (version: string): number => (version === '$LATEST' ? 0 : Number(version));
  return place(a) - place(b);
}

/** `NAME:VERSION`: by name, then as versions are. */
export function byNameAndVersion(a: string, b: string): number {
  const [[one = '', first = ''], [other = '', second = '']] = [a.split(':'), b.split(':')];
  return byText(one, other) || byVersion(first, second);
}

/** Where the items after a key begin, also when it is gone. */
function after(keys: readonly string[], key: string, order: KeyOrder): number {
  const next = keys.findIndex((k) => order(k, key) > 0);
  return next < 0 ? keys.length : next;
}

function keyIn(marker: string): string {
  const key = Buffer.from(marker, 'base64url').toString('utf8');
  if (!/^[\w$:./-]+$/.test(key))
    throw new HearthError('InvalidParameterValueException', 'Invalid value for Marker: use the NextMarker of the page before.');
  return key;
}
