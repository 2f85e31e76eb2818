import type { Rung } from './instance.ts';
import type { ColdStart } from './waterfall.ts';

/** How an invocation ended. What a limit refused leaves no record. */
export type Outcome = 'ok' | 'error' | 'timeout' | 'crash' | 'init_error' | 'too_large';

/** What one invocation cost. Written once, never changed; `requestId` + `attempt` is the idempotency key. */
export interface UsageRecord {
  readonly requestId: string;
  readonly attempt: number;
  readonly accountId: string;
  readonly functionId: string;
  readonly functionName: string;
  readonly version: string;
  readonly revisionId: string;
  readonly instanceId: string;
  /** Start of the handler, milliseconds since the epoch; where the init phase failed, when that was. */
  readonly startedAtMs: number;
  /** Time in the handler, milliseconds with fraction. */
  readonly durationMs: number;
  /** Whole milliseconds billed: duration plus billed init, rounded up. */
  readonly billedMs: number;
  /** Length of the init phase this invocation waited for; null when warm or forked from a snapshot. */
  readonly initMs: number | null;
  readonly initBilled: boolean;
  readonly memoryMb: number;
  readonly memoryUsedMb: number;
  /** The rung this invocation's instance was started from, or null when it was warm. */
  readonly coldRung: Rung | null;
  /** How long the client waited for an instance, milliseconds; 0 when warm. */
  readonly coldMs: number;
  readonly bytesIn: number;
  readonly bytesOut: number;
  readonly outcome: Outcome;
  /** From coming in to being handed to an instance, milliseconds; what a cold start took is in it. */
  readonly queuedMs: number;
  /** Time in the handler as the instance measured it, milliseconds; null when it did not answer. */
  readonly handlerMs: number | null;
  /** How the instance came to be that was waited for; null when warm. */
  readonly start: ColdStart | null;
}

/** Where finished invocations are noted; must not block and must not throw. */
export interface UsageSink {
  record(usage: UsageRecord): void;
}
