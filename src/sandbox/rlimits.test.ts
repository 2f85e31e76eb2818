import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';

test(
  'no limit is above what the server itself may have: the kernel would refuse it',
  { skip: process.platform === 'linux' ? false : 'needs /proc' },
  () => {
    const script = `import(${JSON.stringify(import.meta.resolve('./rlimits.js'))}).then((m) => console.log(JSON.stringify({ steps: m.rlimits(false), ...m.PROCESSES })))`;
    // Shells differ in the letter for processes.
    const limits = 'ulimit -n 700 && ulimit -l 16 && { ulimit -u 700 2>/dev/null || ulimit -p 700; }';
    const { stdout, stderr } = spawnSync('sh', ['-c', `${limits} && exec "$0" -e "$1"`, process.execPath, script], { encoding: 'utf8' });
    const { steps, processes = 700 } = JSON.parse(stdout === '' ? assert.fail(stderr) : stdout);
    assert.deepEqual(
      steps.map(({ resource, soft, hard }: Record<string, number>) => [resource, soft, hard]),
      [
        [4, 0, 0],
        [7, 700, 700],
        [8, 16_384, 16_384],
      ],
    );
    assert.equal(processes, 700);
  },
);
