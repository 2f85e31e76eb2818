import { EVENT_DEFAULTS } from '../../model/event-invoke-config.ts';
import { withLineage } from '../../model/lineage.ts';
import { notTried, type Attempted, type Target } from './attempt.ts';
import { functionTarget, type FunctionTargetDeps } from './function-target.ts';
import { postOutcome } from './http-destination.ts';
import type { Claimed } from './ledger.ts';
import { traceOf } from './trace.ts';

/** Where outcomes go that are kept by parts of Hearth itself. Reject with HearthError: ResourceNotFoundException is final, others are tried again. */
export interface DestinationPorts {
  /** Puts a message into a queue. What comes twice has the same id. */
  readonly queue?: (queue: string, message: { readonly id: string; readonly body: Buffer; readonly trace: string }) => Promise<void>;
  /** Writes an object. */
  readonly bucket?: (
    to: { readonly bucket: string; readonly key: string },
    content: { readonly body: Buffer; readonly lineage: string },
  ) => Promise<void>;
}

/** The targets of all deliveries: functions, and what outcomes are sent to. */
export function targets(deps: FunctionTargetDeps & { readonly ports: DestinationPorts }): Target {
  const functions = functionTarget(deps);
  return {
    most: (lane) => functions.most(lane),
    limits: (claimed) =>
      claimed.destination === undefined
        ? functions.limits(claimed)
        : { retries: EVENT_DEFAULTS.maximumRetryAttempts, maxAgeMs: EVENT_DEFAULTS.maximumEventAgeSeconds * 1_000 },
    attempt: (claimed) => (claimed.destination === undefined ? functions.attempt(claimed) : deliver(claimed, deps.ports)),
  };
}

/** What will not be there at another attempt either. */
const GONE = new Set(['ResourceNotFoundException', 'NoSuchBucket']);

async function deliver(claimed: Claimed, ports: DestinationPorts): Promise<Attempted> {
  const { destination, payload, eventId } = claimed;
  try {
    switch (destination?.kind) {
      case 'http':
        return await postOutcome(destination.url, { requestId: claimed.requestId, eventId, body: payload });
      case 'queue':
        if (ports.queue === undefined) return notTried('DestinationRefused', 'This Hearth has no queues.');
        await ports.queue(destination.queue, { id: eventId, body: payload, trace: withLineage(traceOf(claimed), claimed.lineage) });
        return { outcome: 'ok', errorType: '', message: '', response: null };
      case 'bucket':
        if (ports.bucket === undefined) return notTried('DestinationRefused', 'This Hearth has no buckets.');
        await ports.bucket(
          { bucket: destination.bucket, key: outcomeKey(destination.prefix, claimed) },
          { body: payload, lineage: claimed.lineage },
        );
        return { outcome: 'ok', errorType: '', message: '', response: null };
      case undefined:
        return notTried('DestinationRefused', 'This delivery has no destination.');
    }
  } catch (error) {
    const { name, message } = error as Error;
    if (GONE.has(name)) return notTried('DestinationRefused', message);
    return { outcome: 'system_error', errorType: name, message, response: null };
  }
}

/** `PREFIX/YYYY/MM/DD/EVENT.json` */
function outcomeKey(prefix: string, claimed: Claimed): string {
  const day = new Date(claimed.occurredAtMs).toISOString().slice(0, 10).replaceAll('-', '/');
  const folder = prefix === '' || prefix.endsWith('/') ? prefix : `${prefix}/`;
  return `${folder}${day}/${claimed.eventId}.json`;
}
