import { HearthError } from '../../errors.ts';
import type { TriggerRecord, TriggerStatus } from '../../model/trigger-record.ts';
import type { TriggerConfiguration } from '../../model/triggers.ts';
import type { TriggerSource } from '../trigger.ts';
import type { QueuePollers } from './queue-pollers.ts';

export interface QueueSourceDeps {
  readonly pollers: QueuePollers;
  /** Makes a queue that is not there. */
  readonly ensure: (name: string) => Promise<void>;
  /** The ARN of a queue of that name. */
  readonly arn: (name: string) => string;
  readonly log: { warn(fields: object, message: string): void };
}

const WITHOUT_WINDOW = 10;
const NAME = /^(?:[a-zA-Z0-9-_]{1,80}|[a-zA-Z0-9-_]{1,75}\.fifo)$/;

/** Triggers of the kind `queue` in hearth.yaml. */
export class QueueSource implements TriggerSource<'queue'> {
  readonly kind = 'queue';
  readonly #deps: QueueSourceDeps;
  readonly #records = new Map<string, TriggerRecord<'queue'>>();

  constructor(deps: QueueSourceDeps) {
    this.#deps = deps;
  }

  check({ queue, batchSize = 1, batchingWindowSeconds = 0 }: TriggerConfiguration<'queue'>): void {
    if (!NAME.test(queue))
      throw fault(`'${queue}' is not a queue's name: up to 80 letters, digits, - or _, and .fifo at its end for a FIFO queue`);
    if (batchSize > WITHOUT_WINDOW && batchingWindowSeconds === 0)
      throw fault(`a batchSize of more than ${WITHOUT_WINDOW} needs a batchingWindowSeconds`);
    if (queue.endsWith('.fifo') && batchingWindowSeconds > 0) throw fault('a FIFO queue has no batchingWindowSeconds');
  }

  identity({ queue }: TriggerConfiguration<'queue'>): string {
    return queue;
  }

  start(record: TriggerRecord<'queue'>): void {
    const { configuration: c } = record;
    this.#records.set(record.id, record);
    // The poller says so while the queue is not there, and goes on when it is.
    this.#deps
      .ensure(c.queue)
      .catch((err: unknown) => this.#deps.log.warn({ err, queue: c.queue }, 'the queue of a trigger could not be made'));
    this.#deps.pollers.set({
      id: record.id,
      queueArn: this.#deps.arn(c.queue),
      functionName: record.functionName,
      qualifier: null,
      enabled: c.enabled !== false,
      batchSize: c.batchSize ?? 10,
      windowMs: (c.batchingWindowSeconds ?? 0) * 1_000,
      concurrency: c.maxConcurrency ?? null,
      reportsFailures: c.reportBatchItemFailures === true,
      filters: c.filters ?? [],
    });
  }

  async stop(id: string): Promise<void> {
    this.#records.delete(id);
    await this.#deps.pollers.remove(id);
  }

  /** The queue stays: what is in it is somebody's. */
  remove(record: TriggerRecord<'queue'>): Promise<void> {
    return this.stop(record.id);
  }

  status(id: string): TriggerStatus | null {
    const record = this.#records.get(id);
    if (record === undefined) return null;
    const status = this.#deps.pollers.status(id) ?? { state: 'disabled' as const, detail: null, events: 0, lastFiredMs: null };
    return { ...status, subject: record.configuration.queue, nextMs: null, lagBytes: null };
  }

  async close(): Promise<void> {
    await Promise.all([...this.#records.keys()].map((id) => this.stop(id)));
  }
}

function fault(message: string): HearthError {
  return new HearthError('InvalidParameterValueException', message);
}
