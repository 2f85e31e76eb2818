/** A timer that has been armed; cancelling one that fired or was cancelled is a no-op. */
export interface Timer {
  cancel(): void;
}

/**
 * The only source of time. Everything that waits or stamps takes a Clock as an argument, so that the
 * simulator can turn it and a test never sleeps. Direct use of Date and setTimeout is banned by the linter.
 */
export interface Clock {
  /** Wall clock, milliseconds since the Unix epoch; may step. For records and deadlines that leave the process. */
  now(): number;
  /** Milliseconds from an arbitrary origin, never going back, with microsecond resolution. For durations. */
  monotonic(): number;
  /** Calls `fn` once after `ms`. The timer does not keep the process alive. */
  after(ms: number, fn: () => void): Timer;
}

/** The machine's own clock. */
export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  after(ms, fn) {
    const handle = setTimeout(fn, ms).unref();
    return { cancel: () => clearTimeout(handle) };
  },
};
