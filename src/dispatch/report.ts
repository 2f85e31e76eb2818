import type { Clock } from '../lib/clock.ts';
import type { FunctionVersion } from '../model/function-version.ts';
import type { UsageRecord } from '../model/usage.ts';
import { platformLine, reportRecord, runtimeDoneRecord, startRecord } from '../model/platform-records.ts';

/** What the platform says when an invocation begins: Lambda's START line or, where logs are JSON, its record; null: nothing. */
export function startLine(version: FunctionVersion, requestId: string, clock: Pick<Clock, 'now'>): string | null {
  if (version.logging?.format === 'JSON') return platformLine(version.logging, startRecord(version, requestId), clock.now());
  return `START RequestId: ${requestId} Version: ${version.version}`;
}

/** What the platform says when an invocation has ended, in order. */
export function endLines({ logging }: FunctionVersion, usage: UsageRecord, clock: Pick<Clock, 'now'>): string[] {
  if (logging?.format === 'JSON') {
    const nowMs = clock.now();
    return [runtimeDoneRecord(usage), reportRecord(usage)].flatMap((r) => platformLine(logging, r, nowMs) ?? []);
  }
  const lines = [`END RequestId: ${usage.requestId}`, reportLine(usage)];
  if (usage.outcome === 'timeout') lines.unshift(lateLine(usage));
  return lines;
}

function lateLine({ requestId, startedAtMs, durationMs }: UsageRecord): string {
  return `${new Date(startedAtMs + durationMs).toISOString()} ${requestId} Task timed out after ${(durationMs / 1000).toFixed(2)} seconds`;
}

/**
 * Lambda's REPORT line, tab by tab. An init phase that was waited for is its `Init Duration`; a start from a snapshot has a
 * `Restore Duration`, as with SnapStart.
 */
function reportLine(u: UsageRecord): string {
  let line =
    `REPORT RequestId: ${u.requestId}\tDuration: ${u.durationMs.toFixed(2)} ms\tBilled Duration: ${u.billedMs} ms\t` +
    `Memory Size: ${u.memoryMb} MB\tMax Memory Used: ${u.memoryUsedMb} MB\t`;
  if (u.initMs !== null) line += `Init Duration: ${u.initMs.toFixed(2)} ms\t`;
  else if (u.coldRung !== null) line += `Restore Duration: ${u.coldMs.toFixed(2)} ms\t`;
  if (u.outcome === 'timeout') line += 'Status: timeout\t';
  if (u.outcome === 'crash') line += 'Status: error\tError Type: Runtime.ExitError\t';
  return line;
}
