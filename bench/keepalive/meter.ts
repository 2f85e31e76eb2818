import type { SimulationObserver } from '../../src/drivers/simulated/simulated-driver.ts';
import type { Clock } from '../../src/lib/clock.ts';

/** What a function of the trace uses. */
export interface Sizes {
  readonly snapshotBytes: number;
  readonly instanceBytes: number;
}

interface Present {
  readonly sizes: Sizes;
  snapshots: number;
  instances: number;
  busy: number;
  idleBytes: number;
}

const GB = 1e9;

/**
 * Adds up memory times the time that it was resident and of no use to anyone: instances with nothing in flight, and snapshots of which no
 * instance is at work.
 */
export class IdleMeter implements SimulationObserver {
  readonly #clock: Clock;
  readonly #fromMs: number;
  readonly #present: ReadonlyMap<string, Present>;
  #bytes = 0;
  #sinceMs = 0;
  #byteMs = 0;

  constructor(clock: Clock, fromMs: number, sizes: ReadonlyMap<string, Sizes>) {
    this.#clock = clock;
    this.#fromMs = fromMs;
    this.#present = new Map([...sizes].map(([name, s]) => [name, { sizes: s, snapshots: 0, instances: 0, busy: 0, idleBytes: 0 }]));
  }

  snapshots(functionName: string, by: number): void {
    this.#change(functionName, (p) => (p.snapshots += by));
  }

  instances(functionName: string, by: number): void {
    this.#change(functionName, (p) => (p.instances += by));
  }

  invocations(functionName: string, by: number): void {
    this.#change(functionName, (p) => (p.busy += by));
  }

  /** So far, from the moment on that counts. */
  get gbSeconds(): number {
    this.#add();
    return this.#byteMs / GB / 1000;
  }

  #change(functionName: string, change: (p: Present) => void): void {
    const present = this.#present.get(functionName) as Present;
    change(present);
    this.#add();
    const idle =
      (present.busy === 0 ? present.snapshots * present.sizes.snapshotBytes : 0) +
      Math.max(0, present.instances - present.busy) * present.sizes.instanceBytes;
    this.#bytes += idle - present.idleBytes;
    present.idleBytes = idle;
  }

  #add(): void {
    const now = this.#clock.monotonic();
    this.#byteMs += this.#bytes * Math.max(0, now - Math.max(this.#sinceMs, this.#fromMs));
    this.#sinceMs = now;
  }
}
