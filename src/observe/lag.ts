import type { Clock } from '../lib/clock.ts';

/** How late the event loop was with what was due, milliseconds. */
export interface Lag {
  /** How long was looked, milliseconds. */
  readonly overMs: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
}

const STEP_MS = 5;

/**
 * Looks for `forMs` how late a timer is that is due every 5 ms. A loop that stood still for a second is not one late timer: it counts for each
 * that would have been due meanwhile, as it did for each caller who came then. Costs nothing while nobody looks.
 */
export function watchLag(clock: Clock, forMs: number): Promise<Lag> {
  const startedMs = clock.monotonic();
  const lateMs: number[] = [];
  let dueMs = startedMs + STEP_MS;
  return new Promise((resolve) => {
    const tick = (): void => {
      const now = clock.monotonic();
      for (; dueMs <= now; dueMs += STEP_MS) lateMs.push(now - dueMs);
      if (now - startedMs < forMs) clock.after(Math.max(0, dueMs - now), tick);
      else resolve(summary(lateMs, now - startedMs));
    };
    clock.after(STEP_MS, tick);
  });
}

function summary(lateMs: readonly number[], overMs: number): Lag {
  const sorted = Float64Array.from(lateMs).sort();
  const at = (share: number): number => round(sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0);
  return { overMs: Math.round(overMs), p50Ms: at(0.5), p99Ms: at(0.99), maxMs: at(1) };
}

function round(ms: number): number {
  return Math.round(ms * 100) / 100;
}
