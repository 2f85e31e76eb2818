import type { FunctionVersion } from '../model/function-version.ts';
import type { UsageRecord } from '../model/usage.ts';
import { platformLine, reportRecord, runtimeDoneRecord, startRecord } from '../model/platform-records.ts';

/** What the platform says when an invocation begins: Lambda's START line or, where logs are JSON, its record; null: nothing. */
export function startLine(version: FunctionVersion, requestId: string, nowMs: number): string | null {
  if (version.logging?.format === 'JSON') return platformLine(version.logging, startRecord(version, requestId), nowMs);
  return `START RequestId: ${requestId} Version: ${version.version}`;
}

/** What the platform says when an invocation has ended, in order. */
export function endLines({ logging }: FunctionVersion, usage: UsageRecord, nowMs: number): string[] {
  if (logging?.format === 'JSON')
    return [runtimeDoneRecord(usage), reportRecord(usage)].flatMap((r) => platformLine(logging, r, nowMs) ?? []);
  const { requestId, durationMs } = usage;
  const late = `${new Date(usage.startedAtMs + durationMs).toISOString()} ${requestId} Task timed out after ${(durationMs / 1000).toFixed(2)} seconds`;
  return [...(usage.outcome === 'timeout' ? [late] : []), `END RequestId: ${requestId}`, reportLine(usage)];
}

/**
 * Lambda's REPORT line, tab by tab. An init phase that was waited for is its `Init Duration`; a start from a snapshot has a
 * `Restore Duration`, as with SnapStart.
 */
function reportLine(u: UsageRecord): string {
  const parts = [
    `REPORT RequestId: ${u.requestId}`,
    `Duration: ${u.durationMs.toFixed(2)} ms`,
    `Billed Duration: ${u.billedMs} ms`,
    `Memory Size: ${u.memoryMb} MB`,
    `Max Memory Used: ${u.memoryUsedMb} MB`,
  ];
  if (u.initMs !== null) parts.push(`Init Duration: ${u.initMs.toFixed(2)} ms`);
  else if (u.coldRung !== null) parts.push(`Restore Duration: ${u.coldMs.toFixed(2)} ms`);
  if (u.outcome === 'timeout') parts.push('Status: timeout');
  if (u.outcome === 'crash') parts.push('Status: error', 'Error Type: Runtime.ExitError');
  return `${parts.join('\t')}\t`;
}
