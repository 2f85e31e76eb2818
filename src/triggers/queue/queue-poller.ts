import type { Dispatcher } from '../../dispatch/dispatcher.ts';
import { HearthError } from '../../errors.ts';
import type { Clock } from '../../lib/clock.ts';
import { fits } from '../../lib/event-pattern.ts';
import type { Ids } from '../../lib/ids.ts';
import { sleep } from '../../lib/sleep.ts';
import { errorMessage } from '../../model/error-document.ts';
import type { FunctionVersion } from '../../model/function-version.ts';
import { functionArn } from '../../model/function-version.ts';
import { lineageOf, lineageText, MOST_HOPS, nextHop, withLineage } from '../../model/lineage.ts';
import type { ReceivedMessage } from '../../model/queue.ts';
import { nextWindow } from '../ledger/policies/window.ts';
import { traceOf } from '../../model/trace.ts';
import { BATCH_BYTES, bytesOf, divided } from './batches.ts';
import type { QueueMapping } from './mapping.ts';
import { notesOf, type BatchRun, type MessageLedger } from './message-notes.ts';
import { failedItems } from './policies/batch-failures.ts';
import type { QueuePort } from './queue-port.ts';
import { filtered, sqsRecord } from './records.ts';

export interface PollerDeps {
  readonly queues: QueuePort;
  readonly dispatcher: Pick<Dispatcher, 'invoke'>;
  readonly functions: {
    find(name: string, qualifier: string | null): FunctionVersion | null;
    mayLoop(functionId: string): boolean;
  };
  /** Where it is written down what became of messages. */
  readonly notes: MessageLedger;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly log: { warn(fields: object, message: string): void };
}

const POLL_MS = 20_000;
/** After the queue, the function or the database was away. */
const AWAY_MS = 1_000;
const BACK_OFF_SECONDS = { first: 1, most: 60 };
const MOST_AT_ONCE = 10;
/** What an init phase may take at least. */
const INIT_MS = 10_000;

/** What is known of a mapping that runs. */
export interface PollerStatus {
  readonly state: 'running' | 'waiting';
  readonly detail: string | null;
  readonly events: number;
  readonly lastFiredMs: number | null;
}

/**
 * Takes messages of one queue to one function, as Lambda's pollers do: in batches, deleted when the function has succeeded, and otherwise visible again
 * when the queue's visibility timeout has passed. What was not the function's doing (a limit, our own failure) does not count as a receipt.
 */
export class QueuePoller {
  readonly #deps: PollerDeps;
  #mapping: QueueMapping;
  readonly #stopped = new AbortController();
  readonly #running = new Set<Promise<void>>();
  #serverEnds = false;
  #window = 2;
  #refusals = 0;
  #events = 0;
  #lastFiredMs: number | null = null;
  #trouble: string | null = null;
  #freed: () => void = () => {};
  readonly #done: Promise<void>;

  constructor(mapping: QueueMapping, deps: PollerDeps) {
    this.#mapping = mapping;
    this.#deps = deps;
    this.#done = this.#poll();
  }

  /** Goes on with other settings of the same queue and function. */
  change(mapping: QueueMapping): void {
    this.#mapping = mapping;
  }

  get status(): PollerStatus {
    const counts = { events: this.#events, lastFiredMs: this.#lastFiredMs };
    if (this.#trouble !== null) return { state: 'waiting', detail: this.#trouble, ...counts };
    return { state: 'running', detail: null, ...counts };
  }

  /** Takes nothing more and waits for what runs. `serverEnds`: with it end its instances, and what breaks off is no failure of the function. */
  async stop({ serverEnds = false } = {}): Promise<void> {
    this.#serverEnds ||= serverEnds;
    this.#stopped.abort();
    this.#freed();
    await this.#done;
    await Promise.all(this.#running);
  }

  get #ended(): boolean {
    return this.#stopped.signal.aborted;
  }

  async #poll(): Promise<void> {
    while (!this.#ended) {
      try {
        const version = this.#version();
        await this.#place(version);
        if (this.#ended) return;
        const batch = await this.#gather(version);
        this.#trouble = null;
        if (this.#ended) return await this.#putBack(batch);
        await this.#beginAll(batch);
      } catch (error) {
        if (this.#ended) return;
        this.#trouble = (error as Error).message;
        await this.#sleep(AWAY_MS);
      }
    }
  }

  #version(): FunctionVersion {
    const { functionName, qualifier } = this.#mapping;
    const version = this.#deps.functions.find(functionName, qualifier);
    if (version === null) throw new HearthError('ResourceNotFoundException', `The function ${functionName} is not there.`);
    return version;
  }

  /** Waits until another batch may run. */
  async #place(version: FunctionVersion): Promise<void> {
    const { max, concurrency } = version.scaling;
    const most = Math.max(1, Math.min(this.#mapping.concurrency ?? MOST_AT_ONCE, max === null ? Infinity : max * concurrency));
    this.#window = Math.min(this.#window, most);
    while (!this.#ended && this.#running.size >= Math.floor(this.#window)) await new Promise<void>((resolve) => (this.#freed = resolve));
  }

  /** A batch: what there is, once there is something, and what comes within the window. */
  async #gather(version: FunctionVersion): Promise<ReceivedMessage[]> {
    const { batchSize, windowMs, queueArn } = this.#mapping;
    const { queues, clock } = this.#deps;
    const { signal } = this.#stopped;
    const usual = queues.visibilitySeconds(queueArn);
    // Hidden while it is gathered, starts (an init phase may take as long as a run) and runs, whatever the queue says: else it would be run twice at once.
    const runMs = version.timeoutMs + Math.max(version.timeoutMs, INIT_MS);
    const visibilitySeconds = Math.max(usual, Math.ceil((runMs + windowMs) / 1_000) + 10);
    const batch = await queues.receive(queueArn, { most: batchSize, waitMs: POLL_MS, visibilitySeconds, signal });
    const until = clock.monotonic() + windowMs;
    while (batch.length > 0 && batch.length < batchSize && bytesOf(batch) < BATCH_BYTES && !this.#ended) {
      const waitMs = until - clock.monotonic();
      if (waitMs <= 0) break;
      // What there is by then is run: nobody else sees it before its time is up.
      const more = await queues.receive(queueArn, { most: batchSize - batch.length, waitMs, visibilitySeconds, signal }).catch(() => null);
      if (more === null) break;
      batch.push(...more);
    }
    return batch;
  }

  /** As many parts as may run; of a FIFO queue the first alone: others may be of its groups. The rest comes again once there is room. */
  async #beginAll(batch: readonly ReceivedMessage[]): Promise<void> {
    const ordered = this.#mapping.queueArn.endsWith('.fifo');
    const parts = divided(batch, { ordered });
    const now = ordered ? 1 : Math.max(1, Math.floor(this.#window) - this.#running.size);
    for (const part of parts.slice(0, now)) this.#begin(part);
    await this.#putBack(parts.slice(now).flat());
  }

  /** Shows messages again that nobody was given. */
  async #putBack(messages: readonly ReceivedMessage[]): Promise<void> {
    if (messages.length === 0) return;
    const receipts = messages.map((m) => m.receipt);
    await this.#surely(() => this.#deps.queues.hide(this.#mapping.queueArn, receipts, { seconds: 0, undo: true }));
  }

  #begin(batch: readonly ReceivedMessage[]): void {
    if (batch.length === 0) return;
    const running = this.#run(batch)
      .catch((err: unknown) =>
        this.#deps.log.warn({ err, queue: this.#mapping.queueArn }, 'a batch of messages could not be finished; they come again'),
      )
      .finally(() => {
        this.#running.delete(running);
        this.#freed();
      });
    this.#running.add(running);
  }

  async #run(received: readonly ReceivedMessage[]): Promise<void> {
    const { queues, clock } = this.#deps;
    const { queueArn, filters } = this.#mapping;
    const beganMs = clock.monotonic();
    const all = received.map((m) => ({ message: m, record: sqsRecord(m, { attributes: queues.systemAttributes(m), queueArn }) }));
    const wanted = all.filter(({ record }) => filters.length === 0 || filters.some((pattern) => fits(pattern, filtered(record))));
    const dropped = all.filter((one) => !wanted.includes(one)).map((one) => one.message.receipt);
    if (dropped.length > 0) await this.#surely(() => queues.delete(queueArn, dropped));
    if (wanted.length === 0) return;
    const receipts = wanted.map((one) => one.message.receipt);
    const outcome = await this.#invoke(
      wanted.map((one) => one.message),
      Buffer.from(JSON.stringify({ Records: wanted.map((one) => one.record) })),
    );
    const full = this.#running.size >= Math.floor(this.#window);
    this.#window = nextWindow({
      window: this.#window,
      most: this.#mapping.concurrency ?? MOST_AT_ONCE,
      throttled: outcome.kind === 'refused',
      full,
    });
    if (outcome.kind === 'refused' || (this.#serverEnds && outcome.run.failed.size > 0)) {
      const seconds = this.#ended ? 0 : Math.min(BACK_OFF_SECONDS.first * 2 ** Math.min(this.#refusals++, 10), BACK_OFF_SECONDS.most);
      return this.#surely(() => queues.hide(queueArn, receipts, { seconds, undo: true }));
    }
    this.#refusals = 0;
    // Before they are gone from the queue: killed in between, they come again under the same id.
    const { run, version } = outcome;
    const notes = notesOf(wanted, run, { mapping: this.#mapping, version, mostReceives: queues.mostReceives(queueArn) });
    await this.#surely(() => this.#deps.notes.note(notes));
    const failed = wanted.filter((one) => run.failed.has(one.message.messageId)).map((one) => one.message.receipt);
    const done = receipts.filter((r) => !failed.includes(r));
    if (done.length > 0) await this.#surely(() => queues.delete(queueArn, done));
    // Of a mapping that was moved, or disabled, it is there at once for whoever comes next.
    const seconds = (): number =>
      this.#ended ? 0 : Math.max(0, queues.visibilitySeconds(queueArn) - (clock.monotonic() - beganMs) / 1_000);
    if (failed.length > 0) await this.#surely(() => queues.hide(queueArn, failed, { seconds: seconds(), undo: false }));
  }

  /**
   * Tells the store what became of messages, again while the database is away: what has run well would be run twice, and others of its group, or what nobody
   * runs, would be hidden for as long as a run may take. Not once the server ends: then it is the next one's.
   */
  async #surely(work: () => Promise<void>): Promise<void> {
    for (;;) {
      try {
        return await work();
      } catch (error) {
        if (!(error instanceof HearthError) || error.code !== 'ServiceUnavailable' || this.#serverEnds) throw error;
        await sleep(this.#deps.clock, AWAY_MS);
      }
    }
  }

  /** What the function made of a batch: which failed, or that it was not reached. */
  async #invoke(
    messages: readonly ReceivedMessage[],
    body: Buffer,
  ): Promise<{ kind: 'answered'; run: BatchRun; version: FunctionVersion } | { kind: 'refused' }> {
    const { dispatcher, clock, ids, functions, log } = this.#deps;
    const every = messages.map((m) => m.messageId);
    const requestId = ids.ordered();
    const version = this.#version();
    const trace = messages[0]?.traceHeader ?? ''; // all have as many hops behind them
    const hop = nextHop(lineageOf(trace), requestId);
    const lineage = lineageText(hop);
    const [startedAtMs, beganMs] = [clock.now(), clock.monotonic()];
    const answered = (failed: ReadonlySet<string>, error: { errorType: string; message: string }) => {
      const durationMs = clock.monotonic() - beganMs;
      return { kind: 'answered' as const, version, run: { requestId, startedAtMs, durationMs, lineage, failed, ...error } };
    };
    if (hop.hops > MOST_HOPS && !functions.mayLoop(version.functionId)) {
      const message = 'a chain of events was stopped: it looks like a loop through a queue';
      log.warn({ function: version.name, chain: hop.chain, hops: hop.hops }, message);
      return answered(new Set(every), { errorType: 'LoopStopped', message });
    }
    this.#events++;
    this.#lastFiredMs = clock.now();
    const { qualifier, reportsFailures } = this.#mapping;
    const invokedArn = functionArn(version) + (qualifier === null ? '' : `:${qualifier}`);
    const invocation = {
      requestId,
      attempt: 1,
      body,
      invokedArn,
      // Every invocation belongs to a trace, as on Lambda: to one of its own where its messages brought none.
      traceId: withLineage(traceOf({ traceId: trace, requestId, occurredAtMs: clock.now() }), lineage),
      clientContext: '',
      lineage,
      receivedAtMs: clock.monotonic(),
    };
    try {
      const done = await dispatcher.invoke(version, invocation);
      if (done.error !== null) return answered(new Set(every), { errorType: done.error.errorType, message: errorMessage(done.body) });
      return answered(reportsFailures ? failedItems(done.body, every) : new Set(), { errorType: '', message: '' });
    } catch {
      return { kind: 'refused' };
    }
  }

  #sleep(ms: number): Promise<void> {
    const { signal } = this.#stopped;
    return new Promise((resolve) => {
      const timer = this.#deps.clock.after(ms, done);
      signal.addEventListener('abort', done, { once: true });
      function done(): void {
        timer.cancel();
        signal.removeEventListener('abort', done);
        resolve();
      }
    });
  }
}
