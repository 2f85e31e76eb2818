import assert from 'node:assert/strict';
import { test } from 'node:test';
import { InitFailure } from '../../fleet/driver.ts';
import { VirtualClock } from '../../lib/virtual-clock.ts';
import { runInit } from './init-phase.ts';
import type { Newborn, Processes } from './processes.ts';

test('an init phase that ran out of time took its limit, however late that was noticed', async () => {
  const clock = new VirtualClock();
  const killed: number[] = [];
  const processes = {
    options: { clock },
    supervisor: { kill: async (pid: number) => void killed.push(pid) },
    // The machine was suspended meanwhile.
    within: async () => {
      await clock.advance(184_387);
      return null;
    },
  } as unknown as Processes;
  const peer = { handle() {}, onClose() {}, write() {}, drop() {} };
  const log = { closed: new Promise(() => {}), end() {} };
  const newborn = { pid: 7, peer, log, status: new Promise(() => {}) } as unknown as Newborn;
  const order = { welcome: Buffer.alloc(0), limitMs: 60_000, requestId: 'r', of: 'snapshot' } as const;
  await assert.rejects(runInit(processes, newborn, order), (error: unknown) => {
    assert.ok(error instanceof InitFailure);
    assert.deepEqual([error.errorType, error.durationMs, killed], ['Sandbox.Timedout', 60_000, [7]]);
    return true;
  });
});
