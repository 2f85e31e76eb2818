import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, it } from 'node:test';
import type { Clock } from '../../lib/clock.ts';
import { lookUp, type ProcessIdentity } from '../../supervisor/process-tree.ts';
import { Halt } from './halt.ts';
import { family } from './process-figures.ts';

/** Timers that fire when the test says so. */
class HandClock implements Clock {
  readonly due = new Set<() => void>();
  now = (): number => 0;
  monotonic = (): number => 0;
  after(_ms: number, fn: () => void): { cancel: () => void } {
    this.due.add(fn);
    return { cancel: () => this.due.delete(fn) };
  }
  fire(): void {
    for (const fn of this.due) {
      this.due.delete(fn);
      fn();
      return;
    }
  }
}

const living: number[] = [];
/** A process that works without end, or waits without end. */
async function start(script: string): Promise<number> {
  const child = spawn(process.execPath, ['-e', `console.log('up'); ${script}`], { stdio: ['ignore', 'pipe', 'inherit'] });
  await once(child.stdout, 'data');
  living.push(child.pid as number);
  return child.pid as number;
}

const state = (pid: number): string | undefined => readFileSync(`/proc/${pid}/stat`, 'latin1').split(') ')[1]?.[0];
/** The test's own limit is the only one. */
async function becomes(pid: number, wanted: string): Promise<void> {
  while (state(pid) !== wanted) await sleep(5);
}

/** Says how often it was asked to rest. */
function halting(pid: number, process: ProcessIdentity = lookUp(pid)!.identity) {
  const clock = new HandClock();
  const asked = { times: 0 };
  return { clock, asked, halt: new Halt(process, { clock, linux: true, askRest: () => asked.times++ }) };
}

describe('Halt', { skip: process.platform === 'linux' ? false : 'there is no /proc', timeout: 30_000 }, () => {
  afterEach(() => {
    for (const pid of living.splice(0)) process.kill(pid, 'SIGKILL');
  });

  it('stops what rests and what works, and lets it go on', async () => {
    for (const [script, awake] of [
      ['setInterval(() => {}, 1e9)', 'S'],
      ['for (;;);', 'R'],
    ] as const) {
      const pid = await start(script);
      await becomes(pid, awake);
      const { clock, halt } = halting(pid);
      halt.stop(false);
      assert.equal(clock.due.size, 0);
      await becomes(pid, 'T');
      halt.go();
      await becomes(pid, awake);
    }
  });

  it('lets one be that has the pid of another which has ended', async () => {
    const pid = await start('setInterval(() => {}, 1e9)');
    await becomes(pid, 'S');
    const { halt } = halting(pid, { pid, startTime: String(Number(lookUp(pid)!.identity.startTime) - 1) });
    halt.stop(false);
    assert.equal(state(pid), 'S');
    const same = halting(pid);
    same.halt.stop(false);
    await becomes(pid, 'T');
    halt.go();
    assert.equal(state(pid), 'T');
    same.halt.go();
    await becomes(pid, 'S');
  });

  it('lets a heavy one go on once more, until it has given back what it can', async () => {
    const pid = await start('setInterval(() => {}, 1e9)');
    const { clock, asked, halt } = halting(pid);
    halt.stop(true);
    await becomes(pid, 'T');
    assert.equal(asked.times, 0);
    clock.fire();
    await becomes(pid, 'S');
    assert.equal(asked.times, 1);
    halt.rested();
    await becomes(pid, 'T');
    assert.equal(clock.due.size, 0);
  });

  it('stops a heavy one that does not come to say so, and lets it go on later, a few times; it is asked once', async () => {
    const pid = await start('for (;;);');
    const { clock, asked, halt } = halting(pid);
    halt.stop(true);
    let times = 0;
    for (; clock.due.size > 0; times++) {
      await becomes(pid, 'T');
      clock.fire();
      await becomes(pid, 'R');
      clock.fire();
    }
    assert.deepEqual([times, asked.times], [4, 1]);
    await becomes(pid, 'T');
  });

  it('lets one be that said so in the moment in which it was stopped', async () => {
    const pid = await start('for (;;);');
    const { clock, halt } = halting(pid);
    halt.stop(true);
    clock.fire();
    clock.fire();
    halt.rested();
    assert.equal(clock.due.size, 0);
    await becomes(pid, 'T');
  });

  it('stops what a process that works has started, all of it', async () => {
    const spawning = `const { spawn } = require('node:child_process'); spawn(process.execPath, ['-e', 'for (;;);']); for (;;);`;
    const pid = await start(spawning);
    while (family(pid).length < 2) await sleep(5);
    const { halt } = halting(pid);
    halt.stop(false);
    const children = family(pid).slice(1);
    living.push(...children);
    for (const one of [pid, ...children]) await becomes(one, 'T');
  });

  it('asks for nothing, and does not stop, what was let go on or has ended meanwhile', async () => {
    for (const change of ['go', 'forget'] as const) {
      const pid = await start('setInterval(() => {}, 1e9)');
      const { clock, asked, halt } = halting(pid);
      halt.stop(true);
      halt[change]();
      assert.deepEqual([clock.due.size, asked.times], [0, 0]);
      halt.rested();
      await becomes(pid, change === 'go' ? 'S' : 'T');
    }
  });

  it('does not stop what was called while it gave back', async () => {
    const pid = await start('setInterval(() => {}, 1e9)');
    const { clock, halt } = halting(pid);
    halt.stop(true);
    clock.fire();
    halt.go();
    halt.rested();
    assert.equal(clock.due.size, 0);
    await becomes(pid, 'S');
  });
});
