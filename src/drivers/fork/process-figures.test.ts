import assert from 'node:assert/strict';
import { once } from 'node:events';
import { spawn, spawnSync } from 'node:child_process';
import { it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { cpuMsOfFamily } from './process-figures.ts';

const MODULE = fileURLToPath(new URL('./process-figures.js', import.meta.url));
const PROGRAM = `
  import { memoryOfFamily } from ${JSON.stringify(MODULE)};
  const all = await Promise.all(Array.from({ length: 500 }, () => memoryOfFamily(process.pid)));
  process.stdout.write(String(all.filter((bytes) => bytes > 0).length));`;

it('looks at five hundred processes with few descriptors to spare', { skip: process.platform !== 'linux' && 'reads /proc' }, () => {
  const limited = 'ulimit -n 80; exec "$0" --input-type=module -e "$1"';
  const { stdout, stderr } = spawnSync('sh', ['-c', limited, process.execPath, PROGRAM], { encoding: 'utf8' });
  assert.equal(stdout, '500', stderr);
});

it(
  'knows what processes have used of the processors, with what they started and reaped',
  { skip: process.platform !== 'linux' && 'reads /proc' },
  async () => {
    const spin = 'i=0; while [ $i -lt 400000 ]; do i=$((i+1)); done';
    const used = async (script: string): Promise<number | null> => {
      const child = spawn('sh', ['-c', `${script}; echo; exec sleep 1000`], { stdio: ['ignore', 'pipe', 'ignore'], detached: true });
      await once(child.stdout, 'data');
      const ms = cpuMsOfFamily(child.pid ?? 0);
      process.kill(-(child.pid ?? 0), 'SIGKILL');
      await once(child, 'exit');
      assert.equal(cpuMsOfFamily(child.pid ?? 0), null);
      return ms;
    };
    const [idle, busy, reaped, alive] = [
      await used(':'),
      await used(spin),
      await used(`sh -c '${spin}'; :`),
      await used(`sh -c '${spin}; echo; sleep 1000' & wait`),
    ];
    for (const [what, ms] of Object.entries({ busy, reaped, alive }))
      assert.ok(ms !== null && idle !== null && ms >= idle + 20, `${what}: ${ms}, idle: ${idle}`);
  },
);
