import type { AttemptRecord, DeliveryState } from './delivery-outcome.ts';
import type { DeliverySource } from './delivery.ts';

/** A delivery as it is shown. Times in milliseconds since the epoch. */
export interface DeliverySummary {
  /** Its place in the order of acceptance, as text: what a next page begins after. */
  readonly seq: string;
  readonly eventId: string;
  readonly source: DeliverySource;
  readonly sourceArn: string;
  readonly subject: string;
  readonly functionId: string;
  readonly qualifier: string | null;
  /** Where it goes when that is not the function: an address, a queue, a bucket; else null. */
  readonly destination: string | null;
  readonly orderKey: string | null;
  readonly requestId: string;
  readonly state: DeliveryState;
  /** Why it was given up; null unless it failed. */
  readonly reason: string | null;
  readonly attempts: number;
  readonly occurredAtMs: number;
  readonly acceptedAtMs: number;
  /** When it is (or was) to be run next. */
  readonly dueAtMs: number;
  readonly finishedAtMs: number | null;
  readonly payloadBytes: number;
}

/** One delivery with all that is kept of it. */
export interface DeliveryDetail extends DeliverySummary {
  readonly lineage: string;
  readonly traceId: string;
  /** The newest of its attempts, oldest first. */
  readonly history: readonly AttemptRecord[];
  readonly payload: Buffer;
}

/** Which deliveries; what is left out does not matter. */
export interface DeliveryFilter {
  readonly functionId?: string | undefined;
  /** `waiting` is ready or held. */
  readonly state?: DeliveryState | 'waiting' | undefined;
  readonly source?: DeliverySource | undefined;
  /** Beginning of the subject. */
  readonly prefix?: string | undefined;
  /** Accepted at or after, and before. */
  readonly fromMs?: number | undefined;
  readonly toMs?: number | undefined;
}

/** A queue whose messages are taken to a function. */
export interface QueueFeed {
  readonly queueId: string;
  readonly queueName: string;
  readonly queueArn: string;
  readonly functionId: string;
  readonly qualifier: string | null;
}

/** How many deliveries of a function are in which state. */
export interface DeliveryCounts {
  readonly functionId: string;
  readonly state: DeliveryState;
  readonly count: number;
  /** When the oldest of them was accepted. */
  readonly oldestAtMs: number;
}
