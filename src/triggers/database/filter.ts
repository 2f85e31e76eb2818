import type { Change, Row } from './change.ts';
import type { ChangeSettings } from './settings.ts';

const EVENTS = { c: 'insert', r: 'insert', u: 'update', d: 'delete', t: 'truncate' } as const;

/** The change as the trigger wants it, or null when it does not want it. */
export function filtered(change: Change, settings: ChangeSettings): Change | null {
  if (!wantsEvent(change, settings) || !wantsRow(change, settings)) return null;
  if (settings.columns === null) return change;
  const keep = (row: Row | null): Row | null => row && only(row, settings.columns ?? new Set(), identityOf(change));
  return { ...change, before: keep(change.before), after: keep(change.after) };
}

function wantsEvent(change: Change, { events, backfill }: ChangeSettings): boolean {
  if (change.op === 'r') return backfill;
  // The halves of an update are wanted by who wants updates, too.
  return events.has(EVENTS[change.op]) || ((change.half === 'a' || change.half === 'b') && events.has('update'));
}

/** A row that is there is judged as it is now, one that is gone as far as it was sent. */
function wantsRow(change: Change, { where }: ChangeSettings): boolean {
  const row = change.after ?? change.before;
  if (row === null) return true;
  return where.every(([column, values]) => {
    const value = row[column];
    if (value === undefined) return change.op === 'd' && change.before !== null; // not sent: who wants it must look
    return values.some((wanted) => wanted === value || (wanted !== null && value !== null && String(wanted) === String(value)));
  });
}

function identityOf(change: Change): ReadonlySet<string> {
  const { replicaIdentity, columns } = change.relation;
  return new Set(replicaIdentity === 'full' ? [] : columns.filter((c) => c.identity).map((c) => c.name));
}

function only(row: Row, columns: ReadonlySet<string>, identity: ReadonlySet<string>): Row {
  return Object.fromEntries(Object.entries(row).filter(([name]) => columns.has(name) || identity.has(name)));
}
