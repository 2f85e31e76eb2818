import { HearthError } from '../errors.ts';
import type { Clock, Timer } from '../lib/clock.ts';
import { Turns } from '../lib/turns.ts';
import type { NewMessage, Queue, QueueAttributes, ReceivedMessage, Sent } from '../model/queue.ts';
import { Bells } from './bells.ts';
import { MoveTasks } from './move-tasks.ts';
import type { QueueStore } from './queue-store.ts';

export interface QueuesDeps {
  readonly store: QueueStore;
  readonly clock: Clock;
  readonly scope: { readonly accountId: string; readonly region: string };
  readonly log: { warn(fields: object, message: string): void };
}

/** How to receive. */
export interface Receive {
  readonly most: number;
  /** Null: the queue's. */
  readonly visibilitySeconds: number | null;
  /** How long to wait for the first message. */
  readonly waitMs: number;
  /** For a function of this server. */
  readonly polled?: boolean;
  /** Ends the wait; nothing is taken for who has gone. */
  readonly signal?: AbortSignal;
}

/** Messages come to be visible without anybody telling: looked for so often while somebody waits. */
const LOOK_MS = 1_000;
const SWEEP_MS = 60_000;

/** Every queue of this account, in memory; their messages are in the store. */
export class Queues {
  readonly #deps: QueuesDeps;
  readonly #queues = new Map<string, Queue>();
  readonly #turns = new Turns();
  readonly #bells = new Bells();
  #stopListening: () => Promise<void> = async () => {};
  #sweeping: Timer | null = null;
  readonly #moves: MoveTasks;
  #closed = false;
  #quiet = false;

  private constructor(deps: QueuesDeps) {
    this.#deps = deps;
    this.#moves = new MoveTasks({ ...deps, store: deps.store.moves });
  }

  static async open(deps: QueuesDeps): Promise<Queues> {
    const queues = new Queues(deps);
    for (const queue of await deps.store.all()) queues.#queues.set(queue.name, queue);
    const count = await deps.store.giveBack();
    if (count > 0) deps.log.warn({ count }, 'messages had lost the server that ran them and are run again');
    await queues.#moves.resume(queues.list());
    queues.#stopListening = deps.store.listen((queueId) => queues.#bells.ring(queueId));
    queues.#sweepLater(SWEEP_MS);
    return queues;
  }

  /** From now on nobody waits for a message: what there is is what is received. */
  endWaits(): void {
    this.#quiet = true;
    this.#bells.ring(null);
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#sweeping?.cancel();
    this.endWaits();
    await this.#moves.close();
    await this.#stopListening();
  }

  get closed(): boolean {
    return this.#closed;
  }

  list(): Queue[] {
    return [...this.#queues.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  get(name: string): Queue | null {
    return this.#queues.get(name) ?? null;
  }

  /** Throws QueueDoesNotExist. */
  require(name: string): Queue {
    const queue = this.get(name);
    if (queue === null) throw new HearthError('QueueDoesNotExist', 'The specified queue does not exist.');
    return queue;
  }

  arn(queue: Pick<Queue, 'name'>): string {
    const { accountId, region } = this.#deps.scope;
    return `arn:aws:sqs:${region}:${accountId}:${queue.name}`;
  }

  byArn(arn: string): Queue | null {
    const queue = this.get(arn.split(':').at(-1) ?? '');
    return queue !== null && this.arn(queue) === arn ? queue : null;
  }

  /** Makes a queue; the one that is there when `same` finds nothing that differs. Throws QueueNameExists. */
  create(
    name: string,
    given: { attributes: QueueAttributes; tags: Record<string, string>; same: (present: Queue) => boolean },
  ): Promise<Queue> {
    return this.#turns.take(name, async () => {
      const present = this.get(name);
      if (present !== null) {
        if (given.same(present)) return present;
        throw new HearthError('QueueNameExists', 'A queue already exists with the same name and a different value for attribute.');
      }
      const { attributes, tags } = given;
      const queue = await this.#deps.store.create({ name, attributes, tags });
      if (queue === null) throw new HearthError('QueueNameExists', 'A queue already exists with the same name.');
      this.#queues.set(name, queue);
      return queue;
    });
  }

  change(name: string, change: (present: Queue) => Partial<Pick<Queue, 'attributes' | 'tags'>>): Promise<void> {
    return this.#turns.take(name, async () => {
      const present = this.require(name);
      const next = { ...present, ...change(present), modifiedAtMs: this.#deps.clock.now() };
      await this.#deps.store.change(present.queueId, next);
      this.#queues.set(name, next);
      this.#bells.ring(present.queueId);
    });
  }

  remove(name: string): Promise<void> {
    return this.#turns.take(name, async () => {
      const { queueId } = this.require(name);
      await this.#deps.store.remove(queueId);
      this.#queues.delete(name);
      this.#bells.ring(queueId);
    });
  }

  send(queue: Queue, messages: readonly NewMessage[]): Promise<Sent[]> {
    return this.#deps.store.send(queue, messages);
  }

  /** Waits until there is a message, the time is up, the caller has gone or the queue has. */
  async receive(queue: Queue, how: Receive): Promise<ReceivedMessage[]> {
    const { clock, store } = this.#deps;
    const until = clock.monotonic() + how.waitMs;
    for (;;) {
      const present = this.#queues.get(queue.name);
      if (present?.queueId !== queue.queueId || this.#closed || how.signal?.aborted === true) return [];
      const bell = this.#bells.next(queue.queueId); // before looking: what comes in between is not missed
      try {
        const deadLetter = present.attributes.redrive === null ? null : this.byArn(present.attributes.redrive.deadLetterTargetArn);
        const visibilitySeconds = how.visibilitySeconds ?? present.attributes.visibilityTimeout;
        const received = await store.receive(present, { most: how.most, visibilitySeconds, deadLetter, polled: how.polled === true });
        const left = until - clock.monotonic();
        if (received.length > 0 || left <= 0 || this.#quiet) return received;
        await this.#wait(bell.rung, Math.min(left, LOOK_MS), how.signal);
      } finally {
        bell.release();
      }
    }
  }

  /** Tasks that move messages out of dead letter queues. */
  get moves(): MoveTasks {
    return this.#moves;
  }

  get store(): QueueStore {
    return this.#deps.store;
  }

  #wait(rung: Promise<void>, ms: number, signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve) => {
      const timer = this.#deps.clock.after(ms, wake);
      signal?.addEventListener('abort', wake, { once: true });
      void rung.then(wake);
      function wake(): void {
        timer.cancel();
        signal?.removeEventListener('abort', wake);
        resolve();
      }
    });
  }

  #sweepLater(ms: number): void {
    if (this.#closed) return;
    this.#sweeping = this.#deps.clock.after(ms, () => {
      this.#deps.store.sweep().then(
        (removed) => this.#sweepLater(removed === 0 ? SWEEP_MS : 100),
        (err: unknown) => {
          this.#deps.log.warn({ err }, 'messages that are too old could not be removed');
          this.#sweepLater(SWEEP_MS);
        },
      );
    });
  }
}
