import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pageOf } from './pages.ts';

test('an item that goes between two pages takes none with it', () => {
  const up = ['$LATEST', '1', '2', '9', '10', '11'];
  for (const all of [up, up.slice(1).reverse(), ['alias-a', 'alias-b', 'alias-c']]) {
    for (let at = 0; at < all.length - 1; at++) {
      const { items, next } = pageOf(all, { MaxItems: at + 1 }, (key) => key);
      assert.deepEqual(items, all.slice(0, at + 1));
      const left = all.filter((key) => key !== all[at]);
      if (left.length < 2) continue; // what is left tells no order
      const marked = next.NextMarker ?? '';
      assert.deepEqual(pageOf(left, { Marker: marked }, (key) => key).items, all.slice(at + 1), `${all.join()} without ${all[at]}`);
    }
  }
});

test('a marker that none of its pages gave is refused', () => {
  const marker = Buffer.from('a b').toString('base64url');
  assert.throws(() => pageOf(['a'], { Marker: marker }, (key) => key), { code: 'InvalidParameterValueException' });
});
