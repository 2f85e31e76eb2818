import type { FunctionVersion } from '../model/function-version.ts';
import { InitFailure } from './driver.ts';

/** A minimum that could not be started is tried again so much later; doubled each time, up to the last. */
const AGAIN_MS = 500;
const LONGEST_MS = 60_000;

/** Why there are fewer instances than there should be. */
export interface Shortfall {
  /** Whether it is the function's doing: its init phase fails. */
  readonly init: boolean;
  readonly message: string;
}

export interface MinimumDeps {
  /** How many instances of the version take work. */
  readonly serving: () => number;
  /** Whether the version still serves. */
  readonly serves: () => boolean;
  /** Starts an instance nobody has asked for. */
  readonly addSpare: (version: FunctionVersion) => Promise<void>;
  /** Asks for `topUp` to be called again. */
  readonly again: (afterMs: number) => void;
}

/** Keeps a version's minimum of instances. One is started at a time, so that a function whose init phase fails is not started in a storm; it is tried ever more rarely. */
export class Minimum {
  readonly #version: FunctionVersion;
  readonly #deps: MinimumDeps;
  readonly #wanted: number;
  #starting = false;
  #failures = 0;
  #failure: Shortfall | null = null;

  constructor(version: FunctionVersion, deps: MinimumDeps) {
    const { min, max } = version.scaling;
    this.#version = version;
    this.#deps = deps;
    this.#wanted = Math.min(min, max ?? min);
  }

  /** Why instances of it are missing; null while none is, or while they are being started for the first time. */
  get shortfall(): Shortfall | null {
    return this.missing ? this.#failure : null;
  }

  /** Whether there are fewer than there should be. Asked for each that ends: those of a version without a minimum are not counted for it. */
  get missing(): boolean {
    return this.#wanted > 0 && this.#deps.serving() < this.#wanted;
  }

  topUp(): void {
    if (this.#starting || !this.missing) return;
    this.#starting = true;
    this.#deps.addSpare(this.#version).then(
      () => this.#started(null),
      // Callers are told why by their own starts; this is for who asks what became of the minimum.
      (error: unknown) =>
        this.#started({ init: error instanceof InitFailure, message: error instanceof Error ? error.message : String(error) }),
    );
  }

  #started(failure: Shortfall | null): void {
    this.#starting = false;
    this.#failure = failure;
    this.#failures = failure === null ? 0 : this.#failures + 1;
    if (!this.#deps.serves()) return;
    if (failure === null) this.topUp();
    else this.#deps.again(Math.min(AGAIN_MS * 2 ** (this.#failures - 1), LONGEST_MS));
  }
}
