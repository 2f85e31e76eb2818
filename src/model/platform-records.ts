import type { FunctionVersion } from './function-version.ts';
import type { Logging } from './logging.ts';
import type { Outcome, UsageRecord } from './usage.ts';

/** What the platform says of an invocation, as Lambda's JSON logs and its Telemetry API (schema 2022-12-13) have it. */
export interface PlatformRecord {
  readonly type: 'platform.start' | 'platform.runtimeDone' | 'platform.report';
  /** From which SystemLogLevel on it is logged. */
  readonly level: 'DEBUG' | 'INFO' | 'WARN';
  readonly record: Readonly<Record<string, unknown>>;
}

/** What of an invocation's usage they tell. */
export type Measured = Pick<
  UsageRecord,
  'requestId' | 'durationMs' | 'billedMs' | 'initMs' | 'coldRung' | 'coldMs' | 'memoryMb' | 'memoryUsedMb' | 'bytesOut' | 'outcome'
>;

const SEVERITY = { DEBUG: 0, INFO: 1, WARN: 2 } as const;

/** Lambda's words for how an invocation ended: `error` is the function's, `failure` that its runtime ended. */
const STATUS: Readonly<Record<Outcome, string>> = {
  ok: 'success',
  error: 'error',
  too_large: 'error',
  init_error: 'error',
  timeout: 'timeout',
  crash: 'failure',
};

export function startRecord({ version }: FunctionVersion, requestId: string): PlatformRecord {
  return { type: 'platform.start', level: 'INFO', record: { requestId, version } };
}

export function runtimeDoneRecord(usage: Measured): PlatformRecord {
  const ended = statusOf(usage);
  const metrics = { durationMs: rounded(usage.durationMs), ...(usage.outcome === 'ok' ? { producedBytes: usage.bytesOut } : {}) };
  return {
    type: 'platform.runtimeDone',
    level: usage.outcome === 'ok' ? 'DEBUG' : 'WARN',
    record: { requestId: usage.requestId, ...ended, metrics },
  };
}

/** As the REPORT line: an init phase that was waited for is `initDurationMs`, a start from a snapshot `restoreDurationMs`. */
export function reportRecord(usage: Measured): PlatformRecord {
  const metrics = {
    durationMs: rounded(usage.durationMs),
    billedDurationMs: usage.billedMs,
    memorySizeMB: usage.memoryMb,
    maxMemoryUsedMB: usage.memoryUsedMb,
    ...(usage.initMs !== null ? { initDurationMs: rounded(usage.initMs) } : {}),
    ...(usage.initMs === null && usage.coldRung !== null ? { restoreDurationMs: rounded(usage.coldMs) } : {}),
  };
  return {
    type: 'platform.report',
    level: usage.outcome === 'ok' ? 'INFO' : 'WARN',
    record: { requestId: usage.requestId, metrics, ...statusOf(usage) },
  };
}

/** A record as a line of the log; null where the function's SystemLogLevel leaves it out. */
export function platformLine({ systemLevel }: Logging, { type, level, record }: PlatformRecord, nowMs: number): string | null {
  if (SEVERITY[level] < SEVERITY[systemLevel ?? 'INFO']) return null;
  return JSON.stringify({ time: new Date(nowMs).toISOString(), type, record });
}

function statusOf({ outcome }: Measured): Record<string, string> {
  return { status: STATUS[outcome], ...(outcome === 'crash' ? { errorType: 'Runtime.ExitError' } : {}) };
}

function rounded(ms: number): number {
  return Math.round(ms * 1000) / 1000;
}
