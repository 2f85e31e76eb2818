import type { CloudEventMode } from './destination.ts';
import type { MessageAttribute } from './queue.ts';

/** What kind of source a delivery came from: an asynchronous invocation, a trigger, or the outcome of another delivery. */
export type DeliverySource = 'async' | 'objects' | 'database' | 'schedule' | 'queue' | 'events' | 'destination';

/** Where the outcome of a delivery goes. */
type Destination =
  | { readonly kind: 'function'; readonly functionId: string; readonly qualifier: string | null }
  | {
      readonly kind: 'queue';
      readonly queue: string;
      readonly attributes?: Readonly<Record<string, MessageAttribute>>;
      /** Of its message, where the queue is FIFO. */
      readonly groupId?: string;
    }
  | { readonly kind: 'http'; readonly url: string; readonly cloudEvents?: CloudEventMode }
  | { readonly kind: 'bucket'; readonly bucket: string; readonly prefix: string }
  /** `connection`: variable with the connection string of another server; null: the database `app`. */
  | { readonly kind: 'table'; readonly table: string; readonly connection: string | null };

/**
 * What a rule's or schedule's target says of what does not reach it (RetryPolicy, DeadLetterConfig). Once a function was reached, or had no place for it,
 * the event is the function's own matter.
 */
export interface DeliveryPolicy {
  /** Attempts after the first. */
  readonly retries: number;
  readonly maxAgeMs: number;
  readonly targetArn: string;
  /** The standard queue that gets the event when it is given up undelivered; null: none. */
  readonly deadLetterQueue: string | null;
  /** The event as it came, JSON, where the target is given something made of it; null: it is the payload. */
  readonly event: string | null;
}

/** An event for one function, before it is in the ledger. What is given twice with the same `id` and target is one delivery. */
export interface NewDelivery {
  /** Stable id of the event: begins with its source's id and timeline, so that the same happening has the same id for ever. */
  readonly id: string;
  readonly source: DeliverySource;
  /** ARN or name of what it came from: a bucket, a table, a schedule, a queue; '' for asynchronous invocations. */
  readonly sourceArn: string;
  /** What it is about, for people and for filters: `bucket/key`, `schema.table`, a message id; or ''. */
  readonly subject: string;
  readonly functionId: string;
  /** Version or alias that was asked for; null: `$LATEST`. */
  readonly qualifier: string | null;
  /** Deliveries of one target with the same key are run one after the other, in the order they were accepted; null: in any order. */
  readonly orderKey: string | null;
  /** The event's JSON, as bytes. */
  readonly payload: Buffer;
  /** Travels through chains of events; the loop breaker counts with it. '' starts a chain. */
  readonly lineage: string;
  /** X-Ray trace header, or ''. */
  readonly traceId: string;
  /** When it happened, milliseconds since the epoch. */
  readonly occurredAtMs: number;
  /** Request id of its invocations, the same for every attempt; one is made when it is left out. */
  readonly requestId?: string;
  /** The `ClientContext` JSON (decoded), or left out. */
  readonly clientContext?: string;
  /** Where the payload goes when it is not for a function: it is then the outcome of an event for `functionId`. */
  readonly destination?: Exclude<Destination, { kind: 'function' }>;
  /** What holds while it does not reach its target; left out: what holds for every delivery. */
  readonly policy?: DeliveryPolicy;
}

/** Where triggers put events. */
export interface DeliveryIntake {
  /**
   * Writes deliveries to the ledger; durable when it resolves, and only then may the source be told so. What is there already is ignored.
   * Rejects with HearthError ServiceUnavailable when the database is away: the source must not acknowledge.
   */
  accept(deliveries: readonly NewDelivery[]): Promise<void>;
}
