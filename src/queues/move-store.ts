import type { Queue } from '../model/queue.ts';

export type MoveStatus = 'RUNNING' | 'COMPLETED' | 'CANCELLING' | 'CANCELLED' | 'FAILED';

/** A task as it is kept. */
export interface StoredMove {
  readonly handle: string;
  /** The queue whose messages it moves. */
  readonly sourceId: string;
  /** Null: each message goes to the queue whose dead letter it is. */
  readonly to: Pick<Queue, 'queueId' | 'name'> | null;
  /** Null: as fast as it goes. */
  readonly perSecond: number | null;
  readonly startedAtMs: number;
  /** The place of the newest message that it moves. */
  readonly until: string;
  /** How many there were to move, about. */
  readonly planned: number;
  readonly moved: number;
  readonly status: MoveStatus;
  readonly failure: string | null;
}

/** Tasks that move messages. What resolves is durable. All reject with HearthError ServiceUnavailable while the database is away. */
export interface MoveStore {
  /** Of every queue, the newest first. */
  all(): Promise<StoredMove[]>;
  /** Remembers a task for what is there now, and forgets the oldest of its queue's; null while another of the queue runs. */
  begin(
    task: Pick<StoredMove, 'handle' | 'sourceId' | 'to' | 'perSecond' | 'startedAtMs'>,
  ): Promise<{ readonly until: string; readonly planned: number } | null>;
  /** Moves a batch of messages that are visible, and counts it; those whose queue is gone stay. They begin anew where they come to. Returns how many. Rejects with QueueDoesNotExist where all were to go to one that is gone. */
  step(task: Pick<StoredMove, 'handle' | 'to' | 'until'> & { readonly from: Pick<Queue, 'queueId'> }, most: number): Promise<number>;
  become(handle: string, status: MoveStatus, failure: string | null): Promise<void>;
}
