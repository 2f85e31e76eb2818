import { EVENT_DEFAULTS } from '../../model/event-invoke-config.ts';
import { withLineage } from '../../model/lineage.ts';
import type { MessageAttribute } from '../../model/queue.ts';
import { notTried, type Attempted, type Target } from './attempt.ts';
import { postOutcome, type OwnSignature } from './http-destination.ts';
import type { Claimed } from './ledger.ts';
import { traceOf } from '../../model/trace.ts';

/** What is put into a queue. What comes twice has the same id. */
export interface QueuedMessage {
  readonly id: string;
  readonly body: Buffer;
  readonly attributes: Readonly<Record<string, MessageAttribute>>;
  /** X-Ray trace header with the chain of events, so that a loop through the queue is one. */
  readonly traceHeader: string;
  /** Where the queue is FIFO. */
  readonly groupId?: string;
}

/** Where outcomes go that are kept by parts of Hearth itself. Reject with HearthError: ResourceNotFoundException is final, others are tried again. */
export interface DestinationPorts {
  /** Puts a message into a queue. */
  readonly queue?: (queue: string, message: QueuedMessage) => Promise<void>;
  /** Headers that sign a request to this server itself; none for what goes elsewhere. */
  readonly sign?: OwnSignature;
  /** Writes what a function answered as rows. What went wrong with the answer or the table is in the result. */
  readonly table?: (
    to: { readonly table: string; readonly connection: string | null; readonly functionId: string },
    answer: { readonly body: Buffer; readonly lineage: string },
  ) => Promise<Attempted>;
  /** Writes an object. */
  readonly bucket?: (
    to: { readonly bucket: string; readonly key: string },
    content: { readonly body: Buffer; readonly lineage: string },
  ) => Promise<void>;
}

const DESTINATION_LIMITS = { retries: EVENT_DEFAULTS.maximumRetryAttempts, maxAgeMs: EVENT_DEFAULTS.maximumEventAgeSeconds * 1_000 };

/** The targets of all deliveries: functions, as `functions` runs them, and what outcomes are sent to. */
export function targets({ functions, ports }: { readonly functions: Target; readonly ports: DestinationPorts }): Target {
  return {
    most: (lane) => functions.most(lane),
    limits(claimed) {
      const of = claimed.destination === undefined ? functions.limits(claimed) : DESTINATION_LIMITS;
      return claimed.policy === undefined ? of : { ...of, undelivered: claimed.policy };
    },
    attempt: (claimed) => (claimed.destination === undefined ? functions.attempt(claimed) : deliver(claimed, ports)),
  };
}

/** What will be no different at another attempt: it is not there, or does not take such a message. */
const FINAL = new Set(['ResourceNotFoundException', 'NoSuchBucket', 'InvalidParameterValue', 'InvalidMessageContents', 'KeyTooLongError']);

async function deliver(claimed: Claimed, ports: DestinationPorts): Promise<Attempted> {
  const { destination, payload, eventId } = claimed;
  const traceHeader = withLineage(traceOf(claimed), claimed.lineage);
  try {
    switch (destination?.kind) {
      case 'http':
        return await postOutcome(destination.url, {
          requestId: claimed.requestId,
          eventId,
          body: payload,
          cloudEvents: destination.cloudEvents,
          traceHeader,
          sign: ports.sign ?? (() => ({})),
        });
      case 'queue':
        if (ports.queue === undefined) return notTried('DestinationRefused', 'This Hearth has no queues.');
        await ports.queue(destination.queue, {
          id: eventId,
          body: payload,
          attributes: destination.attributes ?? {},
          traceHeader,
          ...groupOf(destination),
        });
        return { outcome: 'ok', errorType: '', message: '', response: null };
      case 'bucket':
        if (ports.bucket === undefined) return notTried('DestinationRefused', 'This Hearth has no buckets.');
        await ports.bucket(
          { bucket: destination.bucket, key: outcomeKey(destination.prefix, claimed) },
          { body: payload, lineage: claimed.lineage },
        );
        return { outcome: 'ok', errorType: '', message: '', response: null };
      case 'table':
        if (ports.table === undefined) return notTried('DestinationRefused', 'This Hearth writes no tables.');
        return await ports.table({ ...destination, functionId: claimed.functionId }, { body: payload, lineage: claimed.lineage });
      case undefined:
        return notTried('DestinationRefused', 'This delivery has no destination.');
    }
  } catch (error) {
    const { name, message } = error as Error;
    if (FINAL.has(name)) return notTried('DestinationRefused', message);
    return { outcome: 'system_error', errorType: name, message, response: null };
  }
}

function groupOf({ groupId }: { readonly groupId?: string }): { groupId?: string } {
  return groupId === undefined ? {} : { groupId };
}

/** `PREFIX/YYYY/MM/DD/EVENT.json` */
function outcomeKey(prefix: string, claimed: Claimed): string {
  const day = new Date(claimed.occurredAtMs).toISOString().slice(0, 10).replaceAll('-', '/');
  const folder = prefix === '' || prefix.endsWith('/') ? prefix : `${prefix}/`;
  return `${folder}${day}/${claimed.eventId}.json`;
}
