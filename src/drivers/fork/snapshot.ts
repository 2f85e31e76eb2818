import type { DriverSnapshot } from '../../fleet/driver.ts';
import type { FunctionVersion } from '../../model/function-version.ts';
import type { InitReport, Rung } from '../../model/instance.ts';
import type { Step } from '../../model/waterfall.ts';
import type { Forker } from './forker.ts';
import { anonymousBytes, memoryOf } from './process-figures.ts';

/** What forking from a snapshot takes. */
export interface Origin {
  readonly version: FunctionVersion;
  /** Paths its instances need to see. */
  readonly needed: readonly string[];
  /** Whether instances run after-restore hooks before they serve. */
  readonly restores: boolean;
}

/** An initialised parent that waits for fork orders. */
export class ForkSnapshot implements DriverSnapshot {
  readonly pid: number;
  readonly rung: Rung;
  readonly init: InitReport;
  readonly steps: readonly Step[];
  readonly forker: Forker;
  readonly origin: Origin;
  /** Something was forked from it. */
  forked = false;

  constructor(forker: Forker, made: { rung: Rung; init: InitReport; steps: readonly Step[]; origin: Origin }) {
    this.pid = forker.pid;
    this.rung = made.rung;
    this.init = made.init;
    this.steps = made.steps;
    this.forker = forker;
    this.origin = made.origin;
  }

  get gone(): Promise<void> {
    return this.forker.gone;
  }

  memoryBytes(): Promise<number | null> {
    return this.forker.over ? Promise.resolve(null) : memoryOf(this.pid);
  }

  inheritedBytes(): number | null {
    return this.forker.over ? null : anonymousBytes(this.pid);
  }

  async evict(): Promise<void> {
    await this.forker.retire();
    await this.gone;
  }
}
