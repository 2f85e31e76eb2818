import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { access, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { folder, hearth, said, start } from './testing/run-hearth.ts';

const skip = existsSync(new URL('../app.js', import.meta.url)) ? false : 'the server is not part of this build';

describe('hearth up', { skip }, () => {
  it('runs in the background until `down`, and refuses a second on its home', async () => {
    await using here = await folder();
    const env = { HEARTH_HOME: join(here.path, 'home') };
    const run = (...args: string[]) => hearth(args, { cwd: here.path, env });
    const started = await run('up', '--detach', '--port', '0', '--json');
    try {
      assert.equal(started.code, 0, started.stderr);
      const { endpoint, pid } = JSON.parse(started.stdout);
      assert.equal(JSON.parse((await run('status', '--json')).stdout).pid, pid);
      const second = await run('up', '--port', '0');
      assert.equal(second.code, 9);
      assert.match(second.stderr, new RegExp(`^error: Hearth is running already at ${endpoint} \\(process ${pid},[^\\n]*\\nfix: `));
    } finally {
      const ended = await run('down');
      assert.equal(ended.code, 0, ended.stderr);
    }
    await assert.rejects(access(join(env.HEARTH_HOME, 'server.json')));
    assert.equal((await run('status')).code, 3);
  });

  it('ends cleanly on SIGINT', async () => {
    await using here = await folder();
    const env = { HEARTH_HOME: join(here.path, 'home') };
    await using child = start(['up', '--port', '0'], { cwd: here.path, env });
    await said(child, 'stderr', 'Ctrl-C ends it');
    assert.ok(JSON.parse(await readFile(join(env.HEARTH_HOME, 'server.json'), 'utf8')).endpoint);
    child.kill('SIGINT');
    assert.equal((await child.ended).code, 0);
    await assert.rejects(access(join(env.HEARTH_HOME, 'server.json')));
  });
});
