import type { InitFailure } from '../fleet/driver.ts';
import type { ColdStart, Step } from '../model/waterfall.ts';
import type { StartReport } from './worker.ts';

/** What one invocation saw of the start that it waited for. Times on the monotonic clock; the answer's count from `receivedAtMs`. */
export function coldStart(start: StartReport, receivedAtMs: number): ColdStart {
  const begun = start.steps.flatMap((step) => since(receivedAtMs, step));
  const orderedMs = Math.max(0, start.orderedAtMs - receivedAtMs);
  const firstMs = begun[0]?.atMs ?? orderedMs;
  const steps: Step[] = [{ of: 'invocation', name: 'queue', atMs: 0, ms: Math.min(orderedMs, firstMs) }];
  // One that was under way already had its place.
  if (start.orderedAtMs >= receivedAtMs)
    steps.push({ of: 'invocation', name: 'place', atMs: orderedMs, ms: Math.max(0, firstMs - orderedMs) });
  return {
    rung: start.rung,
    reason: start.reason(),
    steps: [...steps, ...begun].map(rounded),
    slowestModules: start.init?.slowestModules ?? [],
    unforkable: start.init?.unforkable ?? null,
  };
}

/** What is known of a start whose init phase failed `waitedMs` after the invocation came in. */
export function failedStart(failure: InitFailure, receivedAtMs: number, waitedMs: number): ColdStart {
  const initMs = Math.min(failure.durationMs, waitedMs);
  const initAtMs = waitedMs - initMs;
  const restoring = failure.rung === 'snapshot'; // what failed are the after-restore hooks
  const before = failure.steps.flatMap((step) => since(receivedAtMs, step)).filter((step) => step.atMs < initAtMs);
  const steps: Step[] = [
    { of: 'invocation', name: 'queue', atMs: 0, ms: before[0]?.atMs ?? initAtMs },
    ...before,
    { of: 'instance', name: restoring ? 'restore' : 'userInit', atMs: initAtMs, ms: initMs },
  ];
  const text = restoring
    ? 'what it does after a restore failed, so the instance is gone: the next invocation gets another of the same snapshot'
    : 'the init phase failed, so nothing is kept: the next invocation runs it again';
  return {
    rung: failure.rung,
    reason: { cause: 'init_failed', text },
    steps: steps.map(rounded),
    slowestModules: [],
    unforkable: null,
  };
}

/** The part of a step that came after a moment, counted from there; none when it was over. */
function since(momentMs: number, step: Step): Step[] {
  const atMs = Math.max(0, step.atMs - momentMs);
  const endMs = step.atMs + step.ms - momentMs;
  return endMs < 0 ? [] : [{ ...step, atMs, ms: endMs - atMs }];
}

/** To microseconds: more is noise, and is kept for long. */
function rounded(step: Step): Step {
  return { ...step, atMs: Math.round(step.atMs * 1000) / 1000, ms: Math.round(step.ms * 1000) / 1000 };
}
