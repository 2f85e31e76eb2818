import type { QueueMapping } from './mapping.ts';
import { QueuePoller, type PollerDeps, type PollerStatus } from './queue-poller.ts';

/** The pollers of every mapping. */
export class QueuePollers {
  readonly #deps: PollerDeps;
  readonly #pollers = new Map<string, { mapping: QueueMapping; poller: QueuePoller | null }>();
  readonly #stopping = new Map<string, Promise<void>>();
  #closed = false;

  constructor(deps: PollerDeps) {
    this.#deps = deps;
  }

  /**
   * Serves a mapping, or goes on with other settings of it. One of another queue or function begins anew at once: what was taken for the function of before
   * is run by it, and what of it fails is back in the queue at once, for the other.
   */
  set(mapping: QueueMapping): void {
    const present = this.#pollers.get(mapping.id);
    if (mapping.enabled && present !== undefined && present.poller !== null && sameEnds(present.mapping, mapping)) {
      present.poller.change(mapping);
      present.mapping = mapping;
      return;
    }
    const before = present?.poller;
    const polled = mapping.enabled && !this.#closed;
    if (before !== null && before !== undefined) this.#await(mapping.id, before.stop());
    this.#pollers.set(mapping.id, { mapping, poller: polled ? new QueuePoller(mapping, this.#deps) : null });
  }

  /** Every mapping, those that are disabled too. */
  mappings(): QueueMapping[] {
    return [...this.#pollers.values()].map((p) => p.mapping);
  }

  /** Whether a mapping has been told to stop, and batches of it still run. */
  isStopping(id: string): boolean {
    return this.#stopping.has(id);
  }

  /** Ends a mapping, or all that this server does for it; resolves when nothing of it runs. Unknown ids are fine. */
  async remove(id: string, how: { readonly serverEnds?: boolean } = {}): Promise<void> {
    const present = this.#pollers.get(id);
    this.#pollers.delete(id);
    await Promise.all([present?.poller?.stop(how), this.#stopping.get(id)]);
  }

  /** Null for a mapping that is not served, or disabled. */
  status(id: string): PollerStatus | null {
    return this.#pollers.get(id)?.poller?.status ?? null;
  }

  /** One that is moved again may have several of before that still run. */
  #await(id: string, stopped: Promise<void>): void {
    const all = Promise.all([this.#stopping.get(id), stopped]).then(() => {
      if (this.#stopping.get(id) === all) this.#stopping.delete(id);
    });
    this.#stopping.set(id, all);
  }

  /** Takes nothing more for any mapping, whatever is set later; resolves when nothing runs. Idempotent. */
  async close(): Promise<void> {
    this.#closed = true;
    const ends = { serverEnds: true };
    await Promise.all([...this.#pollers.values()].flatMap(({ poller }) => (poller === null ? [] : [poller.stop(ends)])));
    await Promise.all(this.#stopping.values());
  }
}

/** Whether two are of the same queue and function. */
function sameEnds(a: QueueMapping, b: QueueMapping): boolean {
  return a.queueArn === b.queueArn && a.functionName === b.functionName && a.qualifier === b.qualifier;
}
