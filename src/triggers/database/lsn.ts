/** A place in PostgreSQL's write-ahead log: a byte's number since the beginning. */
export type Lsn = bigint;

/** `16/B374D848`. Throws RangeError on anything else. */
export function parseLsn(text: string): Lsn {
  const [, high, low] = /^([0-9A-Fa-f]{1,8})\/([0-9A-Fa-f]{1,8})$/.exec(text) ?? [];
  if (high === undefined || low === undefined) throw new RangeError(`'${text}' is not a place in the log`);
  return (BigInt(`0x${high}`) << 32n) | BigInt(`0x${low}`);
}

export function formatLsn(lsn: Lsn): string {
  return `${(lsn >> 32n).toString(16)}/${(lsn & 0xffffffffn).toString(16)}`.toUpperCase();
}

/** How far the changes of a source are in the ledger: all up to this one, in the order of commits. */
export interface Place {
  /** Whose log it is: system identifier and timeline. Places of different histories are not to be compared. */
  readonly systemId: string;
  readonly timeline: number;
  /** Where the transaction's commit lies. */
  readonly commitLsn: Lsn;
  /** Of the change within its transaction, from 0. */
  readonly index: number;
}

/** Whether a change is not past a place, so that it was dealt with already. */
export function reached(place: Place, change: Place): boolean {
  if (place.systemId !== change.systemId || place.timeline !== change.timeline) return false;
  return change.commitLsn < place.commitLsn || (change.commitLsn === place.commitLsn && change.index <= place.index);
}
