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
  /** Calls `fn` once after `ms`, however long; never for Infinity. The timer does not keep the process alive. */
  after(ms: number, fn: () => void): Timer;
}

/** Longest that Node.js waits: anything above it would be over at once. */
const MOST_MS = 2 ** 31 - 1;

/** The machine's own clock. */
export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  after(ms, fn) {
    if (ms > MOST_MS) return afterLong(ms, fn);
    const handle = setTimeout(fn, ms).unref();
    return { cancel: () => clearTimeout(handle) };
  },
};

function afterLong(ms: number, fn: () => void): Timer {
  const dueMs = performance.now() + ms;
  let timer = systemClock.after(MOST_MS, again);
  function again(): void {
    timer = systemClock.after(Math.max(0, dueMs - performance.now()), fn);
  }
  return { cancel: () => timer.cancel() };
}
