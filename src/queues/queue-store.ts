import type { NewMessage, Queue, QueueAttributes, QueueDepth, ReceivedMessage, Sent } from '../model/queue.ts';
import type { MoveStore } from './move-store.ts';

/** Queues and their messages. What resolves is durable. All reject with HearthError ServiceUnavailable while the database is away. */
export interface QueueStore {
  all(): Promise<Queue[]>;
  /** Null when there is a queue of that name. */
  create(queue: {
    readonly name: string;
    readonly attributes: QueueAttributes;
    readonly tags: Readonly<Record<string, string>>;
  }): Promise<Queue | null>;
  change(queueId: string, change: { readonly attributes: QueueAttributes; readonly tags: Readonly<Record<string, string>> }): Promise<void>;
  /** With all its messages. */
  remove(queueId: string): Promise<void>;
  /** In their order, all or none. What a FIFO queue was sent within five minutes with the same deduplication id is not sent again. */
  send(queue: Queue, messages: readonly NewMessage[]): Promise<Sent[]>;
  /**
   * Takes messages that are visible and hides them for a time. Those that were received too often go to `deadLetter` instead. Of a FIFO queue, no
   * message of a group of which one is hidden. `polled`: for a function of this server, so that nobody has them once the server is gone.
   */
  receive(
    queue: Queue,
    how: { readonly most: number; readonly visibilitySeconds: number; readonly deadLetter: Queue | null; readonly polled?: boolean },
  ): Promise<ReceivedMessage[]>;
  /** Deletes by receipts; returns which were there. */
  delete(queueId: string, receipts: readonly string[]): Promise<Set<string>>;
  /** Those of the receipts whose message is there and shown again, though nobody else has received it. */
  expired(queueId: string, receipts: readonly string[]): Promise<Set<string>>;
  /** Hides messages for so long from now (0: shows them); returns those of which the receipt still holds. `undo`: it does not count. */
  hide(queueId: string, hidden: readonly { readonly receipt: string; readonly seconds: number }[], undo?: boolean): Promise<Set<string>>;
  /** Shows what was polled by the server before, which is gone, the oldest first; returns how many. Its receipts count: it may be what ended the server. */
  giveBack(): Promise<number>;
  readonly moves: MoveStore;
  /** Deletes all messages; what was sent before is no longer remembered. */
  purge(queueId: string): Promise<void>;
  depth(queueId: string): Promise<QueueDepth>;
  /** Removes a batch of messages that are older than their queue keeps them, and what deduplication need not remember; returns how many. */
  sweep(): Promise<number>;
  /** Calls back with the id of a queue that has new messages, or null when any may; returns the way to stop. */
  listen(listener: (queueId: string | null) => void): () => Promise<void>;
}
