import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { it } from 'node:test';
import { fileURLToPath } from 'node:url';

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
