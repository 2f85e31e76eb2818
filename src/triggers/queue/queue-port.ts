import type { ReceivedMessage } from '../../model/queue.ts';

/** Queues, as event source mappings use them. `queue`: its ARN. All reject with HearthError; QueueDoesNotExist when it is gone. */
export interface QueuePort {
  /** Waits for messages at most so long, or until the signal aborts; what it takes is hidden for so many seconds. */
  receive(queue: string, how: { most: number; waitMs: number; visibilitySeconds: number; signal: AbortSignal }): Promise<ReceivedMessage[]>;
  delete(queue: string, receipts: readonly string[]): Promise<void>;
  /** Hides messages for so long from now; `undo`: the receipt does not count. */
  hide(queue: string, receipts: readonly string[], how: { seconds: number; undo: boolean }): Promise<void>;
  /** How long the queue itself hides what was received. */
  visibilitySeconds(queue: string): number;
  /** How often a message is received before it goes to the queue's dead letters; null: without end. */
  mostReceives(queue: string): number | null;
  /** What the queue tells of a message beside what was sent. */
  systemAttributes(message: ReceivedMessage): Record<string, string>;
}
