import { HearthError } from '../errors.ts';
import type { Clock } from '../lib/clock.ts';
import { sleep } from '../lib/sleep.ts';
import type { Queue } from '../model/queue.ts';
import type { QueueStore } from './queue-store.ts';

/** A task that moves the messages of a dead letter queue. */
export interface MoveTask {
  readonly handle: string;
  readonly from: Queue;
  /** Null: each to the queue it came from. */
  readonly to: Queue | null;
  /** Null: as fast as it goes. */
  readonly perSecond: number | null;
  readonly startedAtMs: number;
  /** How many there were to move, about. */
  planned: number;
  moved: number;
  status: 'RUNNING' | 'COMPLETED' | 'CANCELLING' | 'CANCELLED' | 'FAILED';
  failure: string | null;
}

interface Deps {
  readonly store: QueueStore;
  readonly clock: Clock;
}

const BATCH = 500;
/** Tasks that are remembered of one queue, as on SQS. */
const REMEMBERED = 10;

/**
 * Moves messages out of dead letter queues. A task takes what was there when it began; what it has moved is moved. Tasks are in memory: one that a restart broke
 * off is started again by whoever wants it, and goes on with what is left.
 */
export class MoveTasks {
  readonly #deps: Deps;
  readonly #tasks: MoveTask[] = [];
  readonly #running = new Map<MoveTask, Promise<void>>();
  #closed = false;

  constructor(deps: Deps) {
    this.#deps = deps;
  }

  /** Throws UnsupportedOperation while another task of the queue runs. */
  async start(given: Pick<MoveTask, 'handle' | 'from' | 'to' | 'perSecond'>): Promise<MoveTask> {
    if (this.of(given.from).some((t) => t.status === 'RUNNING' || t.status === 'CANCELLING'))
      throw new HearthError('UnsupportedOperation', 'There is already a task running. Only one active task is allowed for a source queue.');
    const task: MoveTask = { ...given, startedAtMs: this.#deps.clock.now(), planned: 0, moved: 0, status: 'RUNNING', failure: null };
    this.#tasks.unshift(task);
    for (const old of this.of(task.from).slice(REMEMBERED)) this.#tasks.splice(this.#tasks.indexOf(old), 1);
    const { store } = this.#deps;
    try {
      task.planned = (await store.depth(task.from.queueId)).visible;
      const until = await store.newest(task.from.queueId);
      const running = this.#run(task, until).finally(() => this.#running.delete(task));
      this.#running.set(task, running);
      return task;
    } catch (error) {
      this.#tasks.splice(this.#tasks.indexOf(task), 1);
      throw error;
    }
  }

  /** Newest first. */
  of(queue: Queue): MoveTask[] {
    return this.#tasks.filter((t) => t.from.queueId === queue.queueId);
  }

  /** Ends a task; what it moved stays moved. Throws ResourceNotFoundException unless it runs. */
  async cancel(handle: string): Promise<MoveTask> {
    const task = this.#tasks.find((t) => t.handle === handle && t.status === 'RUNNING');
    if (task === undefined) throw new HearthError('ResourceNotFoundException', 'There is no such task that runs.');
    task.status = 'CANCELLING';
    await this.#running.get(task);
    return task;
  }

  async close(): Promise<void> {
    this.#closed = true;
    await Promise.all(this.#running.values());
  }

  async #run(task: MoveTask, until: string): Promise<void> {
    const { store, clock } = this.#deps;
    const most = task.perSecond ?? BATCH;
    try {
      while (!this.#closed && task.status === 'RUNNING') {
        const moved = await store.move(task.from, { to: task.to, until, most });
        task.moved += moved;
        if (moved === 0) {
          task.status = 'COMPLETED';
          return;
        }
        if (task.perSecond !== null) await sleep(clock, 1_000);
      }
      if (task.status === 'CANCELLING') task.status = 'CANCELLED';
    } catch (error) {
      task.status = 'FAILED';
      task.failure = error instanceof Error ? error.message : String(error);
    }
  }
}
