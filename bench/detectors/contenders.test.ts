import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { it } from 'node:test';
import { processes, server, threads } from './contenders.ts';

/** A detector whose second answer, counting all of its instances, is none. */
const HANDLER = `
import { appendFileSync, readFileSync } from 'node:fs';
const calls = new URL('calls', import.meta.url);
export const handler = async () => {
  appendFileSync(calls, process.pid + '\\n');
  return { statusCode: readFileSync(calls, 'utf8').split('\\n').length > 2 ? 404 : 200, body: {} };
};
`;

it('what detects nothing is refused, and none of its instances stays', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'hearth-detectors-'));
  try {
    for (const [name, contender] of Object.entries({ processes, threads, server })) {
      const handler = join(folder, 'index.mjs');
      writeFileSync(handler, HANDLER);
      writeFileSync(join(folder, 'calls'), '');
      await assert.rejects(contender({ handler, env: {} }, 2), /no detection: .*404/, name);
      const pids = new Set(readFileSync(join(folder, 'calls'), 'utf8').trim().split('\n'));
      for (const pid of pids) assert.throws(() => process.kill(Number(pid), 0), { code: 'ESRCH' }, name);
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
