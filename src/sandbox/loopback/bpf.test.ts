import assert from 'node:assert/strict';
import { closeSync } from 'node:fs';
import { test } from 'node:test';
import { systemClock } from '../../lib/clock.ts';
import { loadBpf } from './bpf.ts';
import { noLoopbacks } from './loopbacks.ts';

test(
  'what begins with one of several prefixes is removed from a map, and nothing else',
  { skip: noLoopbacks(systemClock) ?? false },
  () => {
    const bpf = loadBpf();
    const map = bpf.createMap(8, 4, 64);
    try {
      const key = (address: number, port: number): Buffer => Buffer.from([127, 64, 0, address, 0, port, 6, 0]);
      const all = [1, 2, 3].flatMap((address) => Array.from({ length: 20 }, (_, port) => key(address, port)));
      for (const one of all) bpf.put(map, one, one[3]!);
      bpf.removeAll(
        map,
        [1, 3].map((address) => key(address, 0).subarray(0, 4)),
        8,
      );
      assert.deepEqual(
        all.map((one) => bpf.get(map, one)),
        all.map((one) => (one[3] === 2 ? 2 : null)),
      );
      bpf.remove(map, key(2, 0));
      assert.equal(bpf.get(map, key(2, 0)), null);
      assert.equal(bpf.get(map, key(2, 1)), 2);
      assert.throws(() => Array.from({ length: 64 }, (_, port) => bpf.put(map, key(4, port), 1)), /errno 7/, 'it is full');
    } finally {
      closeSync(map);
    }
  },
);
