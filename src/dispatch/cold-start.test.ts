import assert from 'node:assert/strict';
import { test } from 'node:test';
import { InitFailure } from '../fleet/driver.ts';
import type { Rung } from '../model/instance.ts';
import { failedStart } from './cold-start.ts';

test('what failed in an instance of a snapshot are its after-restore hooks, else an init phase', () => {
  const told = (rung: Rung) => {
    const failure = Object.assign(new InitFailure('Error', Buffer.from('{}'), 30), { rung });
    const { steps, reason } = failedStart(failure, 1_000, 50);
    return [steps.at(-1), /after a restore/.test(reason.text)];
  };
  assert.deepEqual(told('snapshot'), [{ of: 'instance', name: 'restore', atMs: 20, ms: 30 }, true]);
  assert.deepEqual(told('zygote'), [{ of: 'instance', name: 'userInit', atMs: 20, ms: 30 }, false]);
});
