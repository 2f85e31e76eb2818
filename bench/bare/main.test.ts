import assert from 'node:assert/strict';
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { it } from 'node:test';
import { builtFile } from '../paths.ts';

it('the bare server leaves nothing, though a Ctrl-C at the terminal reaches it before its parent has let go of it', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'hearth-bare-test-'));
  try {
    const child = fork(builtFile('./bare/main.js'), ['server', '1'], { env: { ...process.env, TMPDIR: folder } });
    await once(child, 'message');
    assert.equal(readdirSync(folder).length, 1);
    child.kill('SIGINT');
    const ended = once(child, 'exit');
    child.disconnect();
    await ended;
    assert.deepEqual(readdirSync(folder), []);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
