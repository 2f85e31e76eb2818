import type { EventPattern } from '../../lib/event-pattern.ts';

/** An event source mapping of a queue, whoever made it: a trigger of hearth.yaml, or Lambda's API. */
export interface QueueMapping {
  readonly id: string;
  readonly queueArn: string;
  readonly functionName: string;
  readonly qualifier: string | null;
  readonly enabled: boolean;
  /** Most messages in one event. */
  readonly batchSize: number;
  /** How long a batch that is not full is waited for, milliseconds. */
  readonly windowMs: number;
  /** Most batches that run at once; null: as many as the function takes, within bounds. */
  readonly concurrency: number | null;
  /** Whether the function says which messages failed. */
  readonly reportsFailures: boolean;
  /** A message that fits none is dropped; empty: all are taken. */
  readonly filters: readonly EventPattern[];
}
