import { createHash } from 'node:crypto';
import type { ConfineStep } from '../runtimes/protocol.ts';
import type { IdRange } from './abilities.ts';

/**
 * Ids that no distribution, container tool or systemd hands out (systemd's table calls 0x70000000 to 0x7fffffff unused). Wide on purpose: see
 * {@link functionIds}.
 */
export const PREFERRED_IDS: IdRange = { base: 0x7000_0000, count: 0x0fff_fffe };

/**
 * Where in the server's own user namespace ids for functions can lie, from /proc/self/uid_map. In a container with few ids mapped,
 * the upper part of the largest mapped range; null when there are not even a thousand.
 */
export function idRange(uidMap: string): IdRange | null {
  const ranges = uidMap
    .split('\n')
    .map((line) => line.trim().split(/\s+/).map(Number))
    .filter((fields) => fields.length === 3 && fields.every(Number.isSafeInteger))
    .map(([base, , count]) => ({ base: base!, count: count! }));
  const end = PREFERRED_IDS.base + PREFERRED_IDS.count;
  if (ranges.some((r) => r.base <= PREFERRED_IDS.base && r.base + r.count >= end)) return PREFERRED_IDS;
  const [largest] = ranges.toSorted((a, b) => b.count - a.count);
  if (largest === undefined || largest.count < 21_000) return null;
  const base = Math.max(largest.base + 20_000, largest.base + Math.floor(largest.count / 2)); // past ordinary users
  return { base, count: largest.base + largest.count - base - 2 }; // the last two are nobody's by custom
}

/**
 * The user and group of a function: the same on every start and every machine with the same range, without a table that could be lost,
 * because it is a hash of the function's immutable id. Two functions may fall on one id: of 1,000 functions with odds of 1 to 540 in the preferred
 * range. They could then signal each other and read each other's memory, as every two functions can where the server is not root.
 */
export function functionIds(functionId: string, range: IdRange): { uid: number; gid: number } {
  const uid = range.base + (createHash('sha256').update(functionId).digest().readUInt32BE(0) % range.count);
  return { uid, gid: uid };
}

export function ids(functionId: string, range: IdRange): ConfineStep {
  return { op: 'ids', ...functionIds(functionId, range) };
}
