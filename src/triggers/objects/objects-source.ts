import { HearthError } from '../../errors.ts';
import type { Clock, Timer } from '../../lib/clock.ts';
import type { TriggerRecord, TriggerStatus } from '../../model/trigger-record.ts';
import type { TriggerConfiguration } from '../../model/triggers.ts';
import type { TriggerLog, TriggerSource } from '../trigger.ts';

/** Where buckets are, and who is told of what happens in them. The object store satisfies it. */
export interface WatchedBuckets {
  /** Throws InvalidParameterValueException for what can't be a bucket. */
  checkName(bucket: string): void;
  /** Makes a bucket unless it is there. Rejects with HearthError ServiceUnavailable while the database is away. */
  ensure(bucket: string): Promise<void>;
  /** Tells a function from now on, instead of what was asked under this id before; returns the way to stop. */
  tell(record: TriggerRecord<'objects'>, told: (atMs: number) => void): () => void;
}

export interface ObjectsSourceDeps {
  readonly buckets: WatchedBuckets;
  readonly clock: Clock;
  readonly log: TriggerLog;
}

interface Entry {
  readonly record: TriggerRecord<'objects'>;
  readonly release: () => void;
  state: 'starting' | 'running' | 'waiting';
  detail: string | null;
  lastFiredMs: number | null;
  events: number;
}

/** A bucket that could not be made is tried again after this. */
const AGAIN_MS = 2_000;

/**
 * Uploads as triggers. An event's delivery is written in the transaction that stores the object, by the object store itself: here is only who wants to know.
 */
export class ObjectsSource implements TriggerSource<'objects'> {
  readonly kind = 'objects';
  readonly #deps: ObjectsSourceDeps;
  readonly #entries = new Map<string, Entry>();
  readonly #timers = new Set<Timer>();
  #closed = false;

  constructor(deps: ObjectsSourceDeps) {
    this.#deps = deps;
  }

  check({ bucket, external = false }: TriggerConfiguration<'objects'>): void {
    if (!external) this.#deps.buckets.checkName(bucket);
  }

  identity({ bucket, prefix = '', suffix = '', external = false }: TriggerConfiguration<'objects'>): string {
    return JSON.stringify([bucket, prefix, suffix, external]);
  }

  start(record: TriggerRecord<'objects'>): void {
    const before = this.#entries.get(record.id);
    before?.release();
    const release = this.#deps.buckets.tell(record, (atMs) => {
      entry.lastFiredMs = atMs;
      entry.events += 1;
    });
    const { lastFiredMs = null, events = 0 } = before ?? {};
    const entry: Entry = { record, release, state: 'starting', detail: null, lastFiredMs, events };
    this.#entries.set(record.id, entry);
    void this.#prepare(entry);
  }

  async stop(id: string): Promise<void> {
    this.#entries.get(id)?.release();
    this.#entries.delete(id);
  }

  /** The bucket stays: it holds what people put there. */
  async remove(record: TriggerRecord<'objects'>): Promise<void> {
    await this.stop(record.id);
  }

  status(id: string): TriggerStatus | null {
    const entry = this.#entries.get(id);
    if (entry === undefined) return null;
    const { bucket, prefix = '', suffix } = entry.record.configuration;
    const subject = `${bucket}/${prefix}*${suffix ?? ''}`;
    const { state, detail, lastFiredMs, events } = entry;
    return { state, detail, subject, lastFiredMs, nextMs: null, lagBytes: null, events };
  }

  async close(): Promise<void> {
    this.#closed = true;
    for (const timer of this.#timers) timer.cancel();
    for (const id of this.#entries.keys()) await this.stop(id);
  }

  async #prepare(entry: Entry): Promise<void> {
    const { id, configuration } = entry.record;
    try {
      if (configuration.external !== true) await this.#deps.buckets.ensure(configuration.bucket);
      entry.state = 'running';
      entry.detail = null;
    } catch (err) {
      const why = err instanceof HearthError ? err.message : String(err);
      entry.state = 'waiting';
      entry.detail = `bucket ${configuration.bucket} could not be made yet, and is tried again: ${why}`;
      this.#deps.log.warn({ err, trigger: id }, 'the bucket of a trigger could not be made yet');
      if (this.#closed || this.#entries.get(id) !== entry) return;
      const timer = this.#deps.clock.after(AGAIN_MS, () => {
        this.#timers.delete(timer);
        if (this.#entries.get(id) === entry) void this.#prepare(entry);
      });
      this.#timers.add(timer);
    }
  }
}
