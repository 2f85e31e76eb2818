import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';

const url = (path: string): string => JSON.stringify(fileURLToPath(new URL(path, import.meta.url)));
/** With no descriptor left to open anything, and a child: it asks, and then asks again with all the descriptors that it needs. */
const PROGRAM = `
  import { spawn } from 'node:child_process';
  import { closeSync, openSync } from 'node:fs';
  import { childrenOf, exists, lookUp } from ${url('./process-tree.js')};
  import { family } from ${url('../drivers/fork/process-figures.js')};
  import { Supervisor } from ${url('./supervisor.js')};
  import { SupervisorClient } from ${url('./client.js')};
  import { systemClock } from ${url('../lib/clock.js')};

  const child = spawn('sleep', ['1000'], { stdio: 'ignore' });
  const code = (look) => { try { look(); return 'told'; } catch (error) { return error.code; } };
  const exits = [];
  const kernel = { becomeSubreaper() {}, keepDescriptors() {}, unpin: () => true, reap: (pid) => (pid === child.pid ? { code: 7, signal: null } : null) };
  const told = new Promise((resolve) => {
    globalThis.supervisor = new Supervisor(kernel, systemClock, (reply) => { exits.push(reply); resolve(); });
  });
  const client = new SupervisorClient(systemClock, { exited() {}, lost() {}, degraded() {} });
  await client.spawn({ argv: ['true'], env: process.env, cwd: '/', output: null, ids: null });
  const held = [];
  try { for (;;) held.push(openSync('/dev/null')); } catch {}
  const without = { children: code(() => childrenOf(process.pid)), family: family(process.pid).length, found: lookUp(child.pid), exists: exists(child.pid) };
  client.adopt(child.pid);
  globalThis.supervisor.handle({ op: 'forget', pid: 1 });
  await new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
  const early = exits.length;
  for (const fd of held) closeSync(fd);
  const ticks = setInterval(() => {}, 1000);
  await told;
  const ended = new Promise((resolve) => child.once('exit', (_code, signal) => resolve(signal)));
  await client.kill(child.pid);
  await client.close();
  clearInterval(ticks);
  process.stdout.write(JSON.stringify({ ...without, early, exits: exits.slice(0, 1).map(({ event, code }) => [event, code]), ended: await ended }));
  process.exit(0);`;

describe('without a descriptor left to read /proc with', { skip: process.platform !== 'linux' && 'reads /proc' }, () => {
  it('no process is taken for gone, no end stays untold, and what was adopted can be killed', { timeout: 30_000 }, () => {
    const limited = 'ulimit -n 80; exec "$0" --input-type=module -e "$1"';
    const { stdout, stderr } = spawnSync('sh', ['-c', limited, process.execPath, PROGRAM], { encoding: 'utf8' });
    assert.notEqual(stdout, '', stderr);
    assert.deepEqual(JSON.parse(stdout), {
      children: 'EMFILE',
      family: 1,
      found: null,
      exists: true,
      early: 0,
      exits: [['exited', 7]],
      ended: 'SIGKILL',
    });
  });
});
