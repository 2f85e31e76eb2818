/**
 * A chain of events: each that an invocation causes has one hop more. Travels as `Lineage=ID:HOPS` in the X-Ray trace header, which AWS's SDKs pass
 * on from a function to whatever it calls.
 */
export interface Lineage {
  readonly chain: string;
  readonly hops: number;
}

/** A chain is stopped when it would have more hops than this. */
export const MOST_HOPS = 16;

/**
 * The prefix of PostgreSQL's logical messages (`pg_logical_emit_message`) that say which chain of events a transaction belongs to. Their content is a lineage, or a trace
 * header with one.
 */
export const LINEAGE_MESSAGE = 'hearth.lineage';

const FORMAT = /^([0-9a-zA-Z-]{1,64}):(\d{1,6})$/;
const MEMBER = /(?:^|;)\s*Lineage=([^;]*)/i;

/** Whether a text is a lineage as the ledger keeps it. */
export function isLineage(text: string): boolean {
  return FORMAT.test(text);
}

/** The lineage that a text is, or has in it as a trace header; '' when there is none. */
export function lineageIn(text: string): string {
  return isLineage(text) ? text : lineageOf(text);
}

/** Hops of a lineage as the ledger keeps it; 0 for none. */
export function hopsOf(lineage: string): number {
  return Number(FORMAT.exec(lineage)?.[2] ?? 0);
}

/** Of what several chains come together in: the lineage with more hops, and of equals the first. */
export function further(one: string, other: string): string {
  return hopsOf(other) > hopsOf(one) ? other : one;
}

/** The lineage in a trace header, as the ledger keeps it; '' when there is none. */
export function lineageOf(traceHeader: string): string {
  if (traceHeader === '') return '';
  const value = MEMBER.exec(traceHeader)?.[1]?.trim() ?? '';
  return FORMAT.test(value) ? value : '';
}

/** Of a request id, what names a chain: as short as AWS's. Its end, since its beginning is the time. */
const CHAIN_LENGTH = 8;

/** The lineage of an invocation that an event causes: one hop more than the event's, or the first of a chain that is named after the request. */
export function nextHop(lineage: string, requestId: string): Lineage {
  const [, chain, hops] = FORMAT.exec(lineage) ?? [];
  return chain === undefined ? { chain: requestId.slice(-CHAIN_LENGTH), hops: 1 } : { chain, hops: Number(hops) + 1 };
}

export function lineageText({ chain, hops }: Lineage): string {
  return `${chain}:${hops}`;
}

/** The trace header with this lineage instead of any other. */
export function withLineage(traceHeader: string, lineage: string): string {
  const others = traceHeader.split(';').filter((m) => m.trim() !== '' && !/^\s*Lineage=/i.test(m));
  return [...others, `Lineage=${lineage}`].join(';');
}
