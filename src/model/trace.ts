/** Who is traced: an event, or an invocation. */
interface Traced {
  /** The X-Ray trace header that it came with; '' for none. */
  readonly traceId: string;
  readonly requestId: string;
  readonly occurredAtMs: number;
}

/** The trace that an event or an invocation belongs to, in X-Ray's form: the one it came with, or one of its own: the time and 96 bits of its request id, the same at every attempt. */
export function traceOf(traced: Traced): string {
  if (traced.traceId !== '') return traced.traceId;
  const seconds = Math.floor(traced.occurredAtMs / 1_000);
  const hex = traced.requestId.replaceAll(/[^0-9a-f]/g, '').padEnd(24, '0');
  return `Root=1-${seconds.toString(16).padStart(8, '0')}-${hex.slice(0, 24)};Sampled=0`;
}
