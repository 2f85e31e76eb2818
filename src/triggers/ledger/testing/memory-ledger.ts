import { HearthError } from '../../../errors.ts';
import type { Clock } from '../../../lib/clock.ts';
import type { NewDelivery } from '../../../model/delivery.ts';
import type { Claimed, Finished, Ledger, NextStep, Want } from '../ledger.ts';

/** How long a claim lasts unless it is renewed. */
const LEASE_MS = 30_000;

interface Held {
  readonly delivery: NewDelivery;
  readonly seq: string;
  readonly acceptedAtMs: number;
  dueAtMs: number;
  leaseUntilMs: number;
  attempt: number;
  functionErrors: number;
  systemErrors: number;
  state: 'ready' | 'running' | 'ended';
  end: NextStep | null;
}

/** A ledger in memory on any clock, without order keys; `away` makes it fail as a database does that is not there. */
export class MemoryLedger implements Ledger {
  readonly released: string[] = [];
  away = false;
  /** Told of the ends that are to be written; what it throws is what the database says of them. */
  refuse: (ids: readonly string[]) => void = () => {};
  /** How often it was asked. */
  readonly statements = { claims: 0, finishes: 0 };
  readonly #clock: Clock;
  readonly #held: Held[] = [];
  #listener: (lane: string | null) => void = () => {};

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  accept(deliveries: readonly NewDelivery[]): void {
    for (const delivery of deliveries) {
      if (this.#held.some((h) => h.delivery.id === delivery.id && h.delivery.functionId === delivery.functionId)) continue;
      const now = this.#clock.now();
      const fresh = { leaseUntilMs: 0, attempt: 0, functionErrors: 0, systemErrors: 0, state: 'ready' as const, end: null };
      this.#held.push({ delivery, seq: String(this.#held.length + 1), acceptedAtMs: now, dueAtMs: now, ...fresh });
      this.#listener(delivery.functionId);
    }
  }

  has(id: string): boolean {
    return this.#held.some((h) => h.delivery.id === id);
  }

  /** How the delivery ended; null while it has not. */
  end(id: string): NextStep | null {
    return this.#held.find((h) => h.delivery.id === id)?.end ?? null;
  }

  async readyLanes(): Promise<string[]> {
    this.#check();
    return [...new Set(this.#due().map((h) => h.delivery.functionId))];
  }

  async claim(wants: readonly Want[], bytes: number): Promise<Claimed[]> {
    this.#check();
    this.statements.claims++;
    const taken = wants.flatMap(({ lane, most }) =>
      this.#due()
        .filter((h) => h.delivery.functionId === lane)
        .slice(0, most),
    );
    let until = 0;
    const fitting = taken.filter(({ delivery }) => (until += delivery.payload.length) - delivery.payload.length < bytes);
    return fitting.map((held) => {
      held.state = 'running';
      held.leaseUntilMs = this.#clock.now() + LEASE_MS;
      held.attempt++;
      const { id, requestId, clientContext, ...rest } = held.delivery;
      const { seq, attempt, functionErrors, systemErrors } = held;
      const ageMs = this.#clock.now() - held.acceptedAtMs;
      const names = { seq, eventId: id, lane: rest.functionId, requestId: requestId ?? id, clientContext: clientContext ?? '' };
      return { ...rest, ...names, attempt, ageMs, functionErrors, systemErrors };
    });
  }

  async finish(finished: readonly Finished[]): Promise<void> {
    this.#check();
    this.refuse(finished.map((f) => f.claimed.eventId));
    this.statements.finishes++;
    for (const { claimed, next, outcomes } of finished) {
      const held = this.#held.find((h) => h.seq === claimed.seq && h.state === 'running' && h.attempt === claimed.attempt);
      if (held === undefined) continue;
      if (next.kind === 'again') {
        held.state = 'ready';
        held.dueAtMs = this.#clock.now() + next.delayMs;
        held.functionErrors = next.functionErrors;
        held.systemErrors = next.systemErrors;
      } else {
        held.state = 'ended';
        held.end = next;
      }
      this.accept(outcomes);
    }
  }

  async release(claimed: readonly Claimed[]): Promise<void> {
    this.#check();
    this.released.push(...claimed.map((c) => c.eventId));
  }

  async renew(seqs: readonly string[]): Promise<void> {
    this.#check();
    for (const held of this.#running()) if (seqs.includes(held.seq)) held.leaseUntilMs = this.#clock.now() + LEASE_MS;
  }

  async reclaim(all: boolean): Promise<number> {
    this.#check();
    const lost = this.#running().filter((h) => all || h.leaseUntilMs < this.#clock.now());
    for (const held of lost) held.state = 'ready';
    return lost.length;
  }

  /** Loses the claims of what runs, as a database does that is killed before they are on the disk. */
  loseClaims(): void {
    for (const held of this.#running()) {
      held.state = 'ready';
      held.attempt--;
    }
  }

  listen(listener: (lane: string | null) => void): () => Promise<void> {
    this.#listener = listener;
    return async () => {
      this.#listener = () => {};
    };
  }

  #running(): Held[] {
    return this.#held.filter((h) => h.state === 'running');
  }

  #due(): Held[] {
    return this.#held.filter((h) => h.state === 'ready' && h.dueAtMs <= this.#clock.now());
  }

  #check(): void {
    if (this.away) throw new HearthError('ServiceUnavailable', 'The database is away.');
  }
}
