import type { UsageRecord } from '../model/usage.ts';

/** Lambda's START line. */
export function startLine(requestId: string, version: string): string {
  return `START RequestId: ${requestId} Version: ${version}`;
}

/** Lambda's END line. */
export function endLine(requestId: string): string {
  return `END RequestId: ${requestId}`;
}

/**
 * Lambda's REPORT line, tab by tab. An init phase that was waited for is its `Init Duration`; a start from a snapshot has a
 * `Restore Duration`, as with SnapStart.
 */
export function reportLine(u: UsageRecord): string {
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
