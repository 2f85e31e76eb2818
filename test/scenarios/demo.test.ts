import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { text } from 'node:stream/consumers';
import { join } from 'node:path';
import { test } from 'node:test';
import { hearth } from '../../src/cli/testing/run-hearth.ts';
import { runDirectory } from '../../src/composition/run-directory.ts';
import { leavings } from './leavings.ts';
import { ROOT } from './platform-server.ts';

const HOME = join(ROOT, '.hearth-demo', 'home');
const env = { HEARTH_HOME: HOME };

async function demo(...args: string[]): Promise<{ code: number | null; stdout: string; stderr: string }> {
  const child = spawn(process.execPath, [join(ROOT, 'scripts/demo.mjs'), ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  const ended = new Promise<number | null>((resolve) => child.on('close', resolve));
  const [stdout, stderr, code] = await Promise.all([text(child.stdout), text(child.stderr), ended]);
  return { code, stdout, stderr };
}

test('npm run demo -- --json --keep: one line of figures on stdout, and a server that goes on until it is ended', async (t) => {
  if ((await hearth(['status'], { env })).code === 0) return t.skip('a demo that was kept is up; this would end it');
  const { code, stdout, stderr } = await demo('--json', '--keep');
  if (code !== 0 && /npm (error|ERR!) (code|network) /.test(stderr)) return t.skip(`no packages can be had: ${stderr}`);
  try {
    assert.equal(code, 0, stderr);
    const figures = JSON.parse(stdout) as Record<string, unknown>;
    const { detections, coldRung, coldMs, warmMs, diskMs, peakInstances, billedMs, cost, ...more } = figures;
    assert.deepEqual(more, {});
    assert.ok((detections as { class: string }[]).some((d) => d.class === 'cup'));
    assert.match(String(coldRung), process.platform === 'linux' ? /^snapshot$/ : /./);
    for (const figure of [coldMs, warmMs, diskMs, peakInstances, billedMs, Number(cost)]) assert.ok(Number(figure) > 0, stdout);
    const { stdout: listed } = await hearth(['ps', '--json'], { env });
    assert.match(listed, /"detect"/);
    const endpoint = /still up at (\S+)/.exec(stderr)?.[1];
    const health = await fetch(`${endpoint}/healthz`);
    assert.equal(health.status, 200);
  } finally {
    const down = await hearth(['down'], { env });
    assert.equal(down.code, 0, down.stderr);
  }
  assert.deepEqual(leavings(HOME, runDirectory(HOME, process.env)), []);
});
