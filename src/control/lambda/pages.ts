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

/** The page that `Marker` and `MaxItems` ask for. A marker holds the key of the page before's last item: what changes meanwhile neither repeats nor hides others. */
export function pageOf<T>(all: readonly T[], input: Input, keyOf: (item: T) => string): Page<T> {
  const size = Math.min((input['MaxItems'] as number | undefined) ?? LONGEST_PAGE, LONGEST_PAGE);
  const marker = (input['Marker'] as string | undefined) ?? '';
  const from = marker === '' ? 0 : after(all.map(keyOf), keyIn(marker));
  const items = all.slice(from, from + size);
  const last = items.at(-1);
  const more = last !== undefined && from + items.length < all.length;
  return { items, next: more ? { NextMarker: Buffer.from(keyOf(last)).toString('base64url') } : {} };
}

/** Where the items after a key begin; when it is gone, its place among keys in order, which may go down (versions of a layer). */
function after(keys: readonly string[], key: string): number {
  const at = keys.indexOf(key);
  if (at >= 0) return at + 1;
  const down = follows(keys[0] ?? '', keys.at(-1) ?? '');
  const next = keys.findIndex((k) => (down ? follows(key, k) : follows(k, key)));
  return next < 0 ? keys.length : next;
}

/** Whether one key comes after another in order; numbers as numbers. */
function follows(a: string, b: string): boolean {
  return /^\d+$/.test(a) && /^\d+$/.test(b) ? Number(a) > Number(b) : a > b;
}

function keyIn(marker: string): string {
  const key = Buffer.from(marker, 'base64url').toString('utf8');
  if (!/^[\w$:./-]+$/.test(key))
    throw new HearthError('InvalidParameterValueException', 'Invalid value for Marker: use the NextMarker of the page before.');
  return key;
}
