import type { Claimed } from './ledger.ts';

/** The trace that a delivery belongs to, in X-Ray's form: the one it came with, or one of its own: the time and 96 bits of its request id, the same at every attempt. */
export function traceOf(claimed: Pick<Claimed, 'traceId' | 'requestId' | 'occurredAtMs'>): string {
  if (claimed.traceId !== '') return claimed.traceId;
  const seconds = Math.floor(claimed.occurredAtMs / 1_000);
  const hex = claimed.requestId.replaceAll(/[^0-9a-f]/g, '').padEnd(24, '0');
  return `Root=1-${seconds.toString(16).padStart(8, '0')}-${hex.slice(0, 24)};Sampled=0`;
}
