import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, it } from 'node:test';
import type { Clock } from '../../lib/clock.ts';
import { Halt } from './halt.ts';

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

describe('Halt', { skip: process.platform === 'linux' ? false : 'there is no /proc', timeout: 30_000 }, () => {
  afterEach(() => {
    for (const pid of living.splice(0)) process.kill(pid, 'SIGKILL');
  });

  it('stops at once what rests, and lets it go on', async () => {
    const pid = await start('setInterval(() => {}, 1e9)');
    await becomes(pid, 'S');
    const clock = new HandClock();
    const halt = new Halt(pid, { clock, linux: true });
    halt.stop();
    assert.equal(clock.due.size, 0);
    await becomes(pid, 'T');
    halt.go();
    await becomes(pid, 'S');
  });

  it('stops what works only after it was given time to come to rest', async () => {
    const pid = await start('for (;;);');
    await becomes(pid, 'R');
    const clock = new HandClock();
    const halt = new Halt(pid, { clock, linux: true });
    halt.stop();
    let looks = 0;
    for (; clock.due.size > 0; looks++) {
      assert.notEqual(state(pid), 'T');
      clock.fire();
    }
    assert.equal(looks, 50);
    await becomes(pid, 'T');
  });

  it('does not stop what was let go on, or has ended, meanwhile', async () => {
    for (const change of ['go', 'forget'] as const) {
      const pid = await start('for (;;);');
      await becomes(pid, 'R');
      const clock = new HandClock();
      const halt = new Halt(pid, { clock, linux: true });
      halt.stop();
      halt[change]();
      assert.equal(clock.due.size, 0);
    }
  });
});
