import { randomUUID } from 'node:crypto';
import type { NewDelivery } from '../delivery.ts';

/** A delivery for tests: what is not given is filled in. */
export function aDelivery(change: Partial<NewDelivery> = {}): NewDelivery {
  return {
    id: randomUUID(),
    source: 'async',
    sourceArn: '',
    subject: '',
    functionId: 'f-1',
    qualifier: null,
    orderKey: null,
    payload: Buffer.from('{"hello":"wörld"}'),
    lineage: '',
    traceId: '',
    occurredAtMs: Date.UTC(2026, 10, 25),
    ...change,
  };
}
