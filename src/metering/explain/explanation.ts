import type { FunctionVersion } from '../../model/function-version.ts';
import type { UsageRecord } from '../../model/usage.ts';
import type { StartReason, Step } from '../../model/waterfall.ts';
import { advice, type Advice } from './advice.ts';

/** Where the time of one invocation went, and what would make it less: `GET /hearth/v1/invocations/REQUEST_ID`. */
export interface Explanation extends Omit<UsageRecord, 'start'> {
  /** How many attempts there were; this is the last, unless another was asked for. */
  readonly attempts: number;
  /** From coming in to its answer, milliseconds. */
  readonly totalMs: number;
  /** All of it, in order; `atMs` counts from coming in. */
  readonly waterfall: readonly Step[];
  /** Why the start it waited for did not begin on a better rung; null when it waited for none. */
  readonly reason: StartReason | null;
  /** The slowest of the init phase that it waited for, each with what it loads itself. */
  readonly slowestModules: readonly { readonly name: string; readonly ms: number }[];
  /** The most useful first. */
  readonly advice: readonly Advice[];
}

/** Explains an invocation; `version` is what the function is now, null when it is gone. */
export function explanation(record: UsageRecord, attempts: number, version: FunctionVersion | null): Explanation {
  const { start, ...kept } = record;
  const waterfall = waterfallOf(record);
  return {
    ...kept,
    attempts,
    totalMs: record.queuedMs + record.durationMs,
    waterfall,
    reason: start?.reason ?? null,
    slowestModules: start?.slowestModules ?? [],
    advice: advice({ record, waterfall, version }),
  };
}

function waterfallOf({ start, queuedMs, durationMs, handlerMs, instanceId }: UsageRecord): Step[] {
  const steps: Step[] = start === null ? [{ of: 'invocation', name: 'queue', atMs: 0, ms: queuedMs }] : [...start.steps];
  if (instanceId === '') return steps; // it never reached one
  const inHandlerMs = Math.min(handlerMs ?? durationMs, durationMs);
  steps.push({ of: 'invocation', name: 'handler', atMs: queuedMs, ms: inHandlerMs });
  if (handlerMs !== null) steps.push({ of: 'invocation', name: 'reply', atMs: queuedMs + inHandlerMs, ms: durationMs - inHandlerMs });
  return steps;
}
