import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { loggingOf } from '../model/logging.ts';
import { aVersion } from '../model/testing/a-version.ts';
import type { UsageRecord } from '../model/usage.ts';
import { endLines, startLine } from './report.ts';

const AT = Date.UTC(2026, 10, 27, 12, 0, 0, 5);
const usage = (changes: Partial<UsageRecord> = {}): UsageRecord => ({
  requestId: 'r-1',
  attempt: 1,
  accountId: '000000000000',
  functionId: 'f',
  functionName: 'f',
  version: '$LATEST',
  revisionId: 'rev',
  instanceId: 'i',
  startedAtMs: AT,
  durationMs: 3_000,
  billedMs: 3_000,
  initMs: null,
  initBilled: false,
  memoryMb: 128,
  memoryUsedMb: 40,
  coldRung: null,
  coldMs: 0,
  bytesIn: 2,
  bytesOut: 7,
  outcome: 'ok',
  queuedMs: 0,
  handlerMs: 1,
  start: null,
  ...changes,
});

describe('what the platform logs of an invocation', () => {
  it('is text unless it is asked for as JSON', () => {
    const version = aVersion();
    assert.equal(startLine(version, 'r-1', { now: () => AT }), 'START RequestId: r-1 Version: $LATEST');
    const [late, end, report] = endLines(version, usage({ outcome: 'timeout' }), { now: () => AT });
    assert.equal(late, '2026-11-27T12:00:03.005Z r-1 Task timed out after 3.00 seconds');
    assert.equal(end, 'END RequestId: r-1');
    assert.match(report ?? '', /^REPORT RequestId: r-1\tDuration: 3000\.00 ms\tBilled Duration: 3000 ms\t.*Status: timeout\t$/);
  });

  it('is platform events as JSON, from the level on that was asked for', () => {
    const json = (systemLevel: 'DEBUG' | 'INFO' | 'WARN') => aVersion({ logging: loggingOf('JSON', { systemLevel }) });
    const kinds = (systemLevel: 'DEBUG' | 'INFO' | 'WARN', outcome: UsageRecord['outcome']): string[] =>
      [startLine(json(systemLevel), 'r-1', { now: () => AT }), ...endLines(json(systemLevel), usage({ outcome }), { now: () => AT })]
        .filter((line) => line !== null)
        .map((line) => (JSON.parse(line) as { type: string }).type);
    assert.deepEqual(kinds('DEBUG', 'ok'), ['platform.start', 'platform.runtimeDone', 'platform.report']);
    assert.deepEqual(kinds('INFO', 'ok'), ['platform.start', 'platform.report']);
    assert.deepEqual(kinds('WARN', 'ok'), []);
    assert.deepEqual(kinds('WARN', 'timeout'), ['platform.runtimeDone', 'platform.report']);
    assert.equal(
      startLine(json('INFO'), 'r-1', { now: () => AT }),
      '{"time":"2026-11-27T12:00:00.005Z","type":"platform.start","record":{"requestId":"r-1","version":"$LATEST"}}',
    );
    const [report] = endLines(json('INFO'), usage({ durationMs: 1.23456, billedMs: 2, coldRung: 'zygote', initMs: 10.5 }), {
      now: () => AT,
    });
    const metrics = { durationMs: 1.235, billedDurationMs: 2, memorySizeMB: 128, maxMemoryUsedMB: 40, initDurationMs: 10.5 };
    assert.deepEqual(JSON.parse(report ?? ''), {
      time: '2026-11-27T12:00:00.005Z',
      type: 'platform.report',
      record: { requestId: 'r-1', metrics, status: 'success' },
    });
    const [, crash] = endLines(json('INFO'), usage({ outcome: 'crash' }), { now: () => AT });
    assert.match(crash ?? '', /"status":"failure","errorType":"Runtime\.ExitError"/);
  });
});
