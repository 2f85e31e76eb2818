import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { VirtualClock } from '../lib/virtual-clock.ts';
import { FunctionLogs } from './function-logs.ts';

test(
  'nobody else reads the logs, other functions included, whose users may pass through the home',
  { skip: process.platform === 'win32' },
  async () => {
    const home = mkdtempSync(join(tmpdir(), 'hearth-log-folders-'));
    try {
      const logs = new FunctionLogs({ root: join(home, 'logs'), clock: new VirtualClock(), maxBytes: 1 << 20 });
      logs.append({ timeMs: 1, function: 'f', stream: 's', requestId: 'r', text: 'a' });
      await logs.close();
      for (const folder of ['logs', 'logs/f']) assert.equal(statSync(join(home, folder)).mode & 0o777, 0o700, folder);
    } finally {
      rmSync(home, { recursive: true, force: true });
    }
  },
);
