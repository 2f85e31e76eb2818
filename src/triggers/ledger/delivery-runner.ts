import type { Clock, Timer } from '../../lib/clock.ts';
import { deferred } from '../../lib/deferred.ts';
import type { NewDelivery } from '../../model/delivery.ts';
import { notTried, type Attempted, type Target } from './attempt.ts';
import { FinishWriter } from './finish-writer.ts';
import { Lanes } from './lanes.ts';
import type { Claimed, Ledger, NextStep } from './ledger.ts';
import { mostAgeMs, nextStep } from './policies/next-step.ts';
import { room } from './policies/room.ts';

/** What the runner needs of a logger. */
export interface RunnerLog {
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

interface RunnerLimits {
  /** Most deliveries that run at once, all together. */
  readonly inFlight: number;
  /** Most bytes of payloads that are held at once, about. */
  readonly payloadBytes: number;
  /** How often the ledger is looked through for what has come due, milliseconds. */
  readonly pollMs: number;
  /** How often leases are prolonged; well below how long one lasts. */
  readonly renewMs: number;
  /** How long the end waits for what runs, milliseconds. */
  readonly closeMs: number;
}

export interface RunnerDeps {
  readonly ledger: Ledger;
  readonly target: Target;
  readonly outcomes: (claimed: Claimed, ended: { attempted: Attempted; next: NextStep }) => NewDelivery[];
  readonly clock: Clock;
  readonly log: RunnerLog;
  readonly limits: RunnerLimits;
}

/** Lanes that are looked for at once. */
const LANES = 1_000;

/** How long to wait after the database failed. */
const AWAY_MS = 500;

/** How long a lane that is nearly full waits for more places before it claims for those it has. */
const GATHER_MS = 5;

/**
 * Runs what is in the ledger: claims in batches while there are free places, shares them out between lanes, and writes the ends down in batches.
 * Holds no more than it runs. Claims are made one at a time: what frees meanwhile is asked for together by the next.
 */
export class DeliveryRunner {
  readonly #deps: RunnerDeps;
  readonly #lanes: Lanes;
  readonly #writer: FinishWriter;
  readonly #running = new Map<string, Claimed>();
  /** Bytes of payloads of what runs, by lane. */
  readonly #held = new Map<string, number>();
  #claiming = false;
  #awake = false;
  #closing = false;
  #stopListening: () => Promise<void> = async () => {};
  #timers: Timer[] = [];
  #pause: Timer | null = null;
  #gathering: Timer | null = null;
  #patient = true;
  #draining = false;
  /** The claims that are being made, one after the other. */
  #claims: Promise<void> = Promise.resolve();
  /** Once it drains: nothing runs any more. */
  readonly #idle = deferred<void>();

  constructor(deps: RunnerDeps) {
    this.#deps = deps;
    this.#lanes = new Lanes((lane) => deps.target.most(lane));
    this.#writer = new FinishWriter(deps.ledger, deps);
  }

  /** Takes over what an earlier server left claimed, and begins. Rejects when the database is away. */
  async start(): Promise<void> {
    const { ledger, limits } = this.#deps;
    await ledger.reclaim(true);
    this.#stopListening = ledger.listen((lane) => (lane === null ? this.#look() : this.#wake(lane)));
    this.#every(limits.pollMs, () => this.#look());
    this.#every(limits.renewMs, () => this.#renew());
    this.#look();
  }

  /** Takes nothing more; resolves when nothing runs. What runs keeps its lease until `close`. Idempotent. */
  async drain(): Promise<void> {
    this.#draining = true;
    await this.#claims;
    if (this.#running.size > 0) await this.#idle.promise;
  }

  /** Ends: takes nothing more, waits a little for what runs and gives the rest back. */
  async close(): Promise<void> {
    if (this.#closing) return;
    this.#closing = true;
    for (const timer of this.#timers) timer.cancel();
    this.#pause?.cancel();
    this.#gathering?.cancel();
    await this.#stopListening();
    const late = deferred<void>();
    const timer = this.#deps.clock.after(this.#deps.limits.closeMs, () => late.resolve());
    await Promise.race([this.drain(), late.promise]);
    timer.cancel();
    await this.#writer.close();
    if (this.#running.size === 0) return;
    const rest = [...this.#running.values()];
    this.#running.clear();
    await this.#giveBack(rest);
  }

  async #giveBack(claims: readonly Claimed[]): Promise<void> {
    if (claims.length === 0) return;
    await this.#deps.ledger.release(claims).catch((err: unknown) => this.#deps.log.warn({ err }, 'deliveries could not be given back'));
  }

  #every(ms: number, work: () => void): void {
    const index = this.#timers.length;
    const again = (): void => {
      this.#timers[index] = this.#deps.clock.after(ms, again);
      work();
    };
    this.#timers[index] = this.#deps.clock.after(ms, again);
  }

  /** Looks which lanes have something due. */
  #look(): void {
    this.#deps.ledger.readyLanes(LANES).then(
      (lanes) => {
        for (const lane of lanes) this.#lanes.wake(lane);
        this.#pump();
      },
      (err: unknown) => this.#away(err),
    );
  }

  #wake(lane: string): void {
    this.#lanes.wake(lane);
    this.#pump();
  }

  #renew(): void {
    const { ledger, log } = this.#deps;
    const ours = [...this.#running.keys(), ...this.#writer.seqs];
    const renewed = ours.length === 0 ? Promise.resolve() : ledger.renew(ours);
    renewed
      .then(() => ledger.reclaim(false))
      .then((count) => {
        if (count === 0) return;
        log.warn({ count }, 'deliveries had lost their worker and are run again');
        this.#look();
      })
      .catch((err: unknown) => this.#away(err));
  }

  #pump(): void {
    this.#awake = true;
    if (this.#claiming || this.#draining || this.#closing || this.#pause !== null) return;
    this.#claiming = true;
    this.#claims = this.#claimAll().finally(() => {
      this.#claiming = false;
      if (this.#awake) this.#pump();
    });
  }

  /** One claim after the other until nothing is due or no place is free. */
  async #claimAll(): Promise<void> {
    const { ledger, limits } = this.#deps;
    for (;;) {
      this.#awake = false;
      const { bytes: most, full } = room(this.#held, limits.payloadBytes);
      // What waits to be written down holds its payload: while the database can't keep up, nothing is taken.
      const free = limits.inFlight - this.#running.size - this.#writer.waiting;
      if (this.#draining || this.#closing || most <= 0) return;
      const { wants, waiting } = this.#lanes.wants(free, { patient: this.#patient, full });
      this.#patient = true;
      if (waiting) this.#gather();
      if (wants.length === 0) return;
      let claims: Claimed[];
      try {
        claims = await ledger.claim(wants, most);
      } catch (error) {
        for (const { lane } of wants) this.#lanes.wake(lane);
        this.#away(error);
        return;
      }
      if (this.#draining) return this.#giveBack(claims);
      const bytes = claims.reduce((sum, c) => sum + c.payload.length, 0);
      this.#lanes.claimed(wants, claims, bytes >= most);
      for (const claimed of claims) this.#begin(claimed);
    }
  }

  /** Lanes wait for places to be worth a claim, yet not long: those that run may run for minutes. */
  #gather(): void {
    this.#gathering ??= this.#deps.clock.after(GATHER_MS, () => {
      this.#gathering = null;
      this.#patient = false;
      this.#pump();
    });
  }

  #begin(claimed: Claimed): void {
    const { clock, target } = this.#deps;
    if (this.#running.has(claimed.seq)) {
      // Its claim was lost, by a database that was killed: what runs of it is the attempt that is claimed now.
      this.#running.set(claimed.seq, claimed);
      return;
    }
    const beganMs = clock.monotonic();
    const startedAtMs = clock.now();
    this.#running.set(claimed.seq, claimed);
    this.#hold(claimed.lane, claimed.payload.length);
    this.#lanes.began(claimed.lane);
    const limits = target.limits(claimed);
    const attempting =
      claimed.ageMs > mostAgeMs(claimed, limits)
        ? Promise.resolve(notTried('EventAgeExceeded', 'It was older than its function allows before it could be run.'))
        : target.attempt(claimed);
    void attempting.then((attempted) => {
      const current = this.#running.get(claimed.seq);
      if (current === undefined) return; // given back meanwhile
      this.#running.delete(claimed.seq);
      this.#hold(claimed.lane, -claimed.payload.length);
      const durationMs = clock.monotonic() - beganMs;
      const { outcome, errorType, message } = attempted;
      const observed = {
        outcome,
        ageMs: claimed.ageMs + durationMs,
        functionErrors: claimed.functionErrors,
        systemErrors: claimed.systemErrors,
      };
      const givenUp = attempted.givenUp;
      const next: NextStep = attempted.next ?? (givenUp === undefined ? nextStep(observed, limits) : { kind: 'failed', reason: givenUp });
      const outcomes = attempted.next === undefined ? this.#outcomes(current, { attempted, next }) : [];
      const record = { attempt: current.attempt, requestId: claimed.requestId, startedAtMs, durationMs, outcome, errorType, message };
      this.#writer.add({ claimed: current, record, next, outcomes });
      this.#lanes.ended(claimed.lane, outcome === 'throttled');
      if (this.#draining && this.#running.size === 0) this.#idle.resolve();
      this.#pump();
    });
  }

  #hold(lane: string, bytes: number): void {
    const held = (this.#held.get(lane) ?? 0) + bytes;
    if (held === 0) this.#held.delete(lane);
    else this.#held.set(lane, held);
  }

  /** What can't be made of somebody's answer (lists within lists, a hundred thousand deep) must not end the server, nor keep the delivery from ending. */
  #outcomes(claimed: Claimed, ended: { attempted: Attempted; next: NextStep }): NewDelivery[] {
    try {
      return this.#deps.outcomes(claimed, ended);
    } catch (err) {
      this.#deps.log.error({ err, seq: claimed.seq, event: claimed.eventId }, 'what the end of a delivery was to tell could not be made');
      return [];
    }
  }

  /** The database failed: everything is looked at again in a while. */
  #away(err: unknown): void {
    if (this.#closing || this.#pause !== null) return;
    this.#deps.log.warn({ err }, 'the ledger of deliveries could not be read');
    this.#pause = this.#deps.clock.after(AWAY_MS, () => {
      this.#pause = null;
      this.#look();
    });
  }
}
