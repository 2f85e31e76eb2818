import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { VirtualClock } from '../lib/virtual-clock.ts';
import { runTool, type ToolRun } from './tool.ts';

let folder: string;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'hearth-tool-'));
});
after(() => rm(folder, { recursive: true, force: true }));

function shell(script: string, more: Partial<ToolRun> = {}): ToolRun {
  const signal = new AbortController().signal;
  return {
    command: 'sh',
    args: ['-c', script],
    cwd: folder,
    env: { PATH: process.env['PATH'] ?? '' },
    signal,
    timeoutMs: 1000,
    uid: null,
    ...more,
  };
}

/** Waits until the script has written the pid of its child to a file. */
async function childOf(file: string): Promise<number> {
  for (;;) {
    const pid = Number(await readFile(join(folder, file), 'utf8').catch(() => ''));
    if (pid > 0) return pid;
    await new Promise((resolve) => setImmediate(resolve));
  }
}

/** Resolves when a process is gone (or is a zombie that nobody reaps). */
async function gone(pid: number): Promise<void> {
  for (;;) {
    try {
      process.kill(pid, 0);
      if (/^\d+ \(.*\) Z/.test(await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => ''))) return;
    } catch {
      return;
    }
    await new Promise((resolve) => setImmediate(resolve));
  }
}

test('the end and the output of a tool, both streams, the last of much', async () => {
  const clock = new VirtualClock();
  assert.deepEqual(await runTool(shell('echo out; echo err >&2; exit 3'), clock), { outcome: 'failed', output: 'out\nerr' });
  assert.deepEqual(await runTool(shell('echo fine'), clock), { outcome: 'ok', output: 'fine' });
  const { output } = await runTool(shell('i=0; while [ $i -lt 20000 ]; do echo line $i; i=$((i+1)); done'), clock);
  assert.ok(output.length <= 64 * 1024);
  assert.match(output, /line 19999$/);
  const missing = await runTool(shell('', { command: join(folder, 'no-such-tool') }), clock);
  assert.equal(missing.outcome, 'failed');
  assert.match(missing.output, /ENOENT/);
});

test('a timeout ends the tool and what it started', async () => {
  const clock = new VirtualClock();
  const end = runTool(shell('sleep 1000 & echo $! > slow; wait'), clock);
  const child = await childOf('slow');
  await clock.advance(1001);
  assert.equal((await end).outcome, 'timeout');
  await gone(child);
});

test('an abort ends it too, also one that came before the start', async () => {
  const clock = new VirtualClock();
  const stop = new AbortController();
  const end = runTool(shell('sleep 1000 & echo $! > aborted; wait', { signal: stop.signal }), clock);
  const child = await childOf('aborted');
  stop.abort();
  assert.equal((await end).outcome, 'aborted');
  await gone(child);
  assert.equal((await runTool(shell('sleep 1000', { signal: stop.signal }), clock)).outcome, 'aborted');
});

test('a straggler in the background does not outlive the tool, nor keep it open', async () => {
  const end = await runTool(shell('sleep 1000 & echo $! > straggler; echo done'), new VirtualClock());
  assert.deepEqual(end, { outcome: 'ok', output: 'done' });
  await gone(await childOf('straggler'));
});
