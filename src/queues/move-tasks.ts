import { HearthError } from '../errors.ts';
import type { Clock } from '../lib/clock.ts';
import { sleep } from '../lib/sleep.ts';
import type { Queue } from '../model/queue.ts';
import type { MoveStatus, MoveStore, StoredMove } from './move-store.ts';

/** A task that moves the messages of a dead letter queue. */
export interface MoveTask extends Omit<StoredMove, 'sourceId' | 'moved' | 'status' | 'failure'> {
  readonly from: Queue;
  moved: number;
  status: MoveStatus;
  failure: string | null;
}

interface Deps {
  readonly store: MoveStore;
  readonly clock: Clock;
  readonly log: { warn(fields: object, message: string): void };
}

const BATCH = 500;
/** Tasks that are remembered of one queue, as on SQS. */
const REMEMBERED = 10;
/** After the database was away. */
const AWAY_MS = 1_000;

/**
 * Moves messages out of dead letter queues. A task takes what was there when it began; what it has moved is moved. Tasks are in the store: one that the end of a
 * server broke off goes on with the next.
 */
export class MoveTasks {
  readonly #deps: Deps;
  #tasks: MoveTask[] = [];
  readonly #running = new Map<MoveTask, Promise<void>>();
  #closed = false;

  constructor(deps: Deps) {
    this.#deps = deps;
  }

  /** Takes up what the server before left, of these queues. */
  async resume(queues: readonly Queue[]): Promise<void> {
    const byId = new Map(queues.map((q) => [q.queueId, q]));
    for (const { sourceId, ...task } of await this.#deps.store.all()) {
      const from = byId.get(sourceId);
      if (from !== undefined) this.#tasks.push({ ...task, from });
    }
    for (const task of this.#tasks) if (isActive(task)) this.#begin(task);
  }

  /** Throws InvalidParameterValue while another task of the queue runs. */
  async start(given: Pick<MoveTask, 'handle' | 'from' | 'to' | 'perSecond'>): Promise<MoveTask> {
    const startedAtMs = this.#deps.clock.now();
    const { handle, from, to, perSecond } = given;
    const begun = await this.#deps.store.begin({ handle, sourceId: from.queueId, to, perSecond, startedAtMs });
    if (begun === null)
      throw new HearthError(
        'InvalidParameterValue',
        'There is already a task running. Only one active task is allowed for a source queue arn at a given time.',
      );
    const task: MoveTask = { ...given, ...begun, startedAtMs, moved: 0, status: 'RUNNING', failure: null };
    this.#tasks.unshift(task);
    const forgotten = new Set(this.of(from).slice(REMEMBERED));
    this.#tasks = this.#tasks.filter((t) => !forgotten.has(t));
    this.#begin(task);
    return task;
  }

  /** Newest first. */
  of(queue: Queue): MoveTask[] {
    return this.#tasks.filter((t) => t.from.queueId === queue.queueId);
  }

  /** Ends a task; what it moved stays moved. Throws ResourceNotFoundException unless it runs. */
  async cancel(handle: string): Promise<MoveTask> {
    const task = this.#tasks.find((t) => t.handle === handle && t.status === 'RUNNING');
    if (task === undefined) throw new HearthError('ResourceNotFoundException', 'Task does not exist.');
    await this.#deps.store.become(handle, 'CANCELLING', null);
    // It may have come to its end meanwhile, and then that is what it did.
    if (isActive(task)) task.status = 'CANCELLING';
    await this.#running.get(task);
    return task;
  }

  /** Ends what runs, to go on with the next server. */
  async close(): Promise<void> {
    this.#closed = true;
    await Promise.all(this.#running.values());
  }

  #begin(task: MoveTask): void {
    const running = this.#run(task)
      .catch((err: unknown) =>
        this.#deps.log.warn({ err, task: task.handle }, 'the end of a task that moves messages could not be written'),
      )
      .finally(() => this.#running.delete(task));
    this.#running.set(task, running);
  }

  async #run(task: MoveTask): Promise<void> {
    const { store, clock } = this.#deps;
    while (!this.#closed) {
      try {
        const end = await this.#step(task);
        if (end !== null) {
          await store.become(task.handle, end.status, end.failure);
          Object.assign(task, end);
          return;
        }
        if (task.perSecond !== null) await sleep(clock, 1_000);
      } catch (error) {
        if ((error as { code?: unknown }).code !== 'ServiceUnavailable') throw error;
        await sleep(clock, AWAY_MS);
      }
    }
  }

  /** One batch; what the task ended as, or null while it goes on. Rejects while the database is away. */
  async #step(task: MoveTask): Promise<Pick<MoveTask, 'status' | 'failure'> | null> {
    if (task.status === 'CANCELLING') return { status: 'CANCELLED', failure: null };
    try {
      const moved = await this.#deps.store.step(task, task.perSecond ?? BATCH);
      task.moved += moved;
      return moved === 0 ? { status: 'COMPLETED', failure: null } : null;
    } catch (error) {
      if ((error as { code?: unknown }).code === 'ServiceUnavailable') throw error;
      return { status: 'FAILED', failure: reasonOf(error) };
    }
  }
}

/** As SQS says it where the destination is gone. */
function reasonOf(error: unknown): string {
  if (error instanceof HearthError && error.code === 'QueueDoesNotExist') return 'AWS.SimpleQueueService.NonExistentQueue';
  return error instanceof Error ? error.message : String(error);
}

function isActive({ status }: Pick<MoveTask, 'status'>): boolean {
  return status === 'RUNNING' || status === 'CANCELLING';
}
