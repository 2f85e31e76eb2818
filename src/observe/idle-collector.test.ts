import assert from 'node:assert/strict';
import { test } from 'node:test';
import { VirtualClock } from '../lib/virtual-clock.ts';
import { IdleCollector } from './idle-collector.ts';

const MIB = 1024 * 1024;

/** A server whose heap grows as it is told, and holds 40 MiB that are alive. */
function server() {
  const clock = new VirtualClock(0);
  const state = { bytes: 40 * MIB, running: 0, begun: 0, collections: 0 };
  const heap = {
    bytes: () => state.bytes,
    collect() {
      state.collections++;
      state.bytes = 40 * MIB;
    },
  };
  const collector = new IdleCollector({ clock, running: () => state.running, begun: () => state.begun, heap });
  return { clock, state, collector };
}

test('collects once a server that has left garbage is idle, and not again before there is more', async () => {
  const { clock, state, collector } = server();
  state.begun = 1_000;
  state.bytes = 200 * MIB;
  await clock.advance(2_000);
  assert.equal(state.collections, 0, 'there were calls since the last look');
  await clock.advance(2_000);
  assert.equal(state.collections, 1);
  await clock.advance(60_000);
  assert.equal(state.collections, 2, 'the second gives back what the first has freed');
  state.bytes += 15 * MIB;
  await clock.advance(60_000);
  assert.equal(state.collections, 2, 'not worth its while');
  state.bytes += 2 * MIB;
  await clock.advance(60_000);
  assert.equal(state.collections, 4);
  collector.close();
  state.bytes = 500 * MIB;
  await clock.advance(60_000);
  assert.equal(state.collections, 4);
});

test('does not go on with what it began when the server is called again', async () => {
  const { clock, state, collector } = server();
  state.bytes = 200 * MIB;
  await clock.advance(2_000);
  assert.equal(state.collections, 1);
  state.running = 1;
  await clock.advance(60_000);
  assert.equal(state.collections, 1);
  state.running = 0;
  await clock.advance(60_000);
  assert.equal(state.collections, 2);
  collector.close();
});

test('leaves a server alone that is called, or has a call that runs', async () => {
  const { clock, state, collector } = server();
  state.bytes = 200 * MIB;
  for (let i = 0; i < 60; i++) {
    state.begun++;
    await clock.advance(1_000);
  }
  assert.equal(state.collections, 0);
  state.running = 1;
  await clock.advance(60_000);
  assert.equal(state.collections, 0);
  collector.close();
});

test('measures from the least: what V8 has collected itself may come back', async () => {
  const { clock, state, collector } = server();
  state.bytes = 55 * MIB;
  await clock.advance(4_000);
  state.bytes = 30 * MIB;
  await clock.advance(4_000);
  state.bytes = 47 * MIB;
  await clock.advance(4_000);
  assert.equal(state.collections, 2);
  collector.close();
});

test('the real heap is collected: what is left behind is gone', async () => {
  const clock = new VirtualClock(0);
  let begun = 0;
  const collector = new IdleCollector({ clock, running: () => 0, begun: () => begun });
  const left: WeakRef<object>[] = [];
  (() => {
    const held = Array.from({ length: 2_000 }, () => Array.from({ length: 5_000 }, () => 1));
    for (const one of held) left.push(new WeakRef(one));
    begun++;
  })();
  await new Promise((resolve) => setImmediate(resolve)); // a WeakRef holds what it was made of until the turn ends
  await clock.advance(10_000);
  assert.ok(
    left.every((ref) => ref.deref() === undefined),
    'all of it',
  );
  collector.close();
});
