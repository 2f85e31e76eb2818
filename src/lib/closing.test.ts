import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Closing } from './closing.ts';
import { VirtualClock } from './virtual-clock.ts';

const quiet = { error: () => {} };

describe('closing', () => {
  it('releases in the opposite order, once, also after one has failed', async () => {
    const closing = new Closing({ clock: new VirtualClock(), log: quiet, patienceMs: 1_000 });
    const released: number[] = [];
    for (const n of [1, 2, 3]) {
      closing.add(`number ${n}`, () => {
        released.push(n);
        if (n === 2) throw new Error('two');
      });
    }
    await assert.rejects(closing.close(), /two/);
    await assert.rejects(closing.close(), /two/);
    assert.deepEqual(released, [3, 2, 1]);
  });

  it('takes what was acquired as its signal aborted, and says that no more is wanted', async () => {
    const unwanted = new AbortController();
    const closing = new Closing({ clock: new VirtualClock(), log: quiet, patienceMs: 1_000, signal: unwanted.signal });
    const released: number[] = [];
    closing.add('number 1', () => released.push(1));
    unwanted.abort(new Error('enough'));
    assert.throws(() => closing.add('number 2', () => released.push(2)), /enough/);
    assert.equal(await closing.close(), true);
    assert.deepEqual(released, [2, 1]);
  });

  it('gives up what does not end, by name, and releases the others', async () => {
    const clock = new VirtualClock();
    const said: [object, string][] = [];
    const closing = new Closing({ clock, log: { error: (fields, message) => said.push([fields, message]) }, patienceMs: 1_000 });
    const released: string[] = [];
    closing.add('the first', () => released.push('first'));
    closing.add('what hangs', () => new Promise(() => {}));
    const closed = closing.close();
    await clock.advance(1_000);
    assert.equal(await closed, false);
    assert.deepEqual(released, ['first']);
    assert.deepEqual(said, [[{ what: 'what hangs', afterMs: 1_000 }, 'given up: it does not end, and the server ends without it']]);
  });
});
