import { HearthError } from '../../errors.ts';
import type { Clock, Timer } from '../../lib/clock.ts';
import type { TriggerRecord, TriggerStatus } from '../../model/trigger-record.ts';
import type { TriggerConfiguration } from '../../model/triggers.ts';
import type { TriggerSource } from '../trigger.ts';
import type { QueueMapping } from './mapping.ts';
import type { QueuePollers } from './queue-pollers.ts';

export interface QueueSourceDeps {
  readonly pollers: QueuePollers;
  /** Makes a queue that is not there. */
  readonly ensure: (name: string) => Promise<void>;
  /** The ARN of a queue of that name. */
  readonly arn: (name: string) => string;
  readonly clock: Clock;
  readonly log: { warn(fields: object, message: string): void };
}

interface Entry {
  readonly record: TriggerRecord<'queue'>;
  /** Why its queue could not be made yet; null: nothing is wrong. */
  trouble: string | null;
  /** Whether its queue is there, and messages are taken. */
  served: boolean;
  again: Timer | null;
}

/** A queue that could not be made is tried again after this. */
const AGAIN_MS = 2_000;

const WITHOUT_WINDOW = 10;
const NAME = /^(?:[a-zA-Z0-9-_]{1,80}|[a-zA-Z0-9-_]{1,75}\.fifo)$/;

/** Triggers of the kind `queue` in hearth.yaml. */
export class QueueSource implements TriggerSource<'queue'> {
  readonly kind = 'queue';
  readonly #deps: QueueSourceDeps;
  readonly #entries = new Map<string, Entry>();

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
    const before = this.#entries.get(record.id);
    before?.again?.cancel();
    const entry: Entry = { record, trouble: null, served: before?.served ?? false, again: null };
    this.#entries.set(record.id, entry);
    void this.#serve(entry);
  }

  stop(id: string): Promise<void> {
    return this.#stop(id, true);
  }

  /** The queue stays: what is in it is somebody's. */
  remove(record: TriggerRecord<'queue'>): Promise<void> {
    return this.#stop(record.id, false);
  }

  status(id: string): TriggerStatus | null {
    const entry = this.#entries.get(id);
    if (entry === undefined) return null;
    const { record, trouble, served } = entry;
    const none = { detail: null, events: 0, lastFiredMs: null };
    const status = this.#deps.pollers.status(id) ?? { state: served ? ('disabled' as const) : ('starting' as const), ...none };
    const waits = trouble === null ? {} : { state: 'waiting' as const, detail: trouble };
    return { ...status, ...waits, subject: record.configuration.queue, nextMs: null, lagBytes: null };
  }

  async close(): Promise<void> {
    await Promise.all([...this.#entries.keys()].map((id) => this.stop(id)));
  }

  async #stop(id: string, serverEnds: boolean): Promise<void> {
    this.#entries.get(id)?.again?.cancel();
    this.#entries.delete(id);
    await this.#deps.pollers.remove(id, { serverEnds });
  }

  /** Makes the queue if it is not there, then takes its messages. */
  async #serve(entry: Entry): Promise<void> {
    const { record } = entry;
    const { queue } = record.configuration;
    const isCurrent = (): boolean => this.#entries.get(record.id) === entry;
    try {
      await this.#deps.ensure(queue);
    } catch (err) {
      if (!isCurrent()) return;
      entry.trouble = `queue ${queue} could not be made yet, and is tried again: ${err instanceof Error ? err.message : String(err)}`;
      this.#deps.log.warn({ err, trigger: record.id, queue }, 'the queue of a trigger could not be made yet');
      entry.again = this.#deps.clock.after(AGAIN_MS, () => void this.#serve(entry));
      return;
    }
    if (!isCurrent()) return;
    entry.trouble = null;
    entry.served = true;
    this.#deps.pollers.set(mappingOf(record, this.#deps.arn(queue)));
  }
}

function mappingOf({ id, functionName, configuration: c }: TriggerRecord<'queue'>, queueArn: string): QueueMapping {
  return {
    id,
    queueArn,
    functionName,
    qualifier: null,
    enabled: c.enabled !== false,
    batchSize: c.batchSize ?? 10,
    windowMs: (c.batchingWindowSeconds ?? 0) * 1_000,
    concurrency: c.maxConcurrency ?? null,
    reportsFailures: c.reportBatchItemFailures === true,
    filters: c.filters ?? [],
  };
}

function fault(message: string): HearthError {
  return new HearthError('InvalidParameterValueException', message);
}
