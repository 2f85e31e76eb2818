import assert from 'node:assert/strict';
import { it } from 'node:test';
import { FewMap } from './few-map.ts';

it('does what a map does, in whatever order entries come and go', () => {
  let seed = 7;
  const random = (below: number): number => (seed = (seed * 48_271) % 2_147_483_647) % below;
  const few = new FewMap<number, number>();
  const map = new Map<number, number>();
  for (let step = 0; step < 20_000; step++) {
    const key = random(4);
    const what = random(20);
    if (what === 0) {
      few.clear();
      map.clear();
    } else if (what < 9) {
      few.set(key, step);
      map.set(key, step);
    } else assert.equal(few.delete(key), map.delete(key));
    assert.deepEqual(few.entries(), [...map]);
    assert.equal(few.firstKey(), [...map.keys()][0]);
    assert.equal(few.size, map.size);
    for (let k = 0; k < 4; k++) assert.deepEqual([few.get(k), few.has(k)], [map.get(k), map.has(k)]);
  }
});
