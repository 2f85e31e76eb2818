import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readdir, readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { folder } from './testing/run-hearth.ts';
import { isAlive, pathIn, writeStatusFile } from './status-file.ts';

test(
  'a process that has ended and was reaped by nobody is not alive',
  { skip: process.platform === 'linux' ? false : 'needs /proc' },
  async () => {
    // The shell's child ends once the shell has become a program that waits for no children.
    const parent = spawn('sh', ['-c', 'cat <&3 & echo $!; exec sleep 600'], { stdio: ['ignore', 'pipe', 'inherit', 'pipe'] });
    try {
      const [line] = (await once(parent.stdout!, 'data')) as [Buffer];
      const pid = Number(String(line));
      assert.equal(isAlive(pid), true);
      while (!(await readFile(`/proc/${parent.pid}/comm`, 'utf8')).startsWith('sleep'))
        await new Promise((resolve) => setImmediate(resolve));
      process.kill(pid, 'SIGKILL');
      while (!/\) Z /.test(await readFile(`/proc/${pid}/stat`, 'utf8'))) await new Promise((resolve) => setImmediate(resolve));
      assert.equal(isAlive(pid), false);
      assert.equal(isAlive(process.pid), true);
    } finally {
      parent.kill('SIGKILL');
    }
  },
);

test('a status file that can not be written leaves nothing beside it', async () => {
  await using here = await folder();
  await mkdir(pathIn(here.path));
  await assert.rejects(writeStatusFile(here.path, { pid: 4242, endpoint: 'http://127.0.0.1:1', startedAtMs: 0 }));
  assert.deepEqual(await readdir(here.path), ['server.json']);
});
