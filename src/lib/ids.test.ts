import assert from 'node:assert/strict';
import { test } from 'node:test';
import { randomIds } from './ids.ts';

const VERSION_7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

test('ordered ids are version 7 UUIDs of the moment, and no two are the same', () => {
  const from = Date.now();
  const ids = Array.from({ length: 10_000 }, () => randomIds.ordered());
  const to = Date.now();
  assert.equal(new Set(ids).size, ids.length);
  const times = ids.map((id) => {
    assert.match(id, VERSION_7);
    return Number.parseInt(id.slice(0, 8) + id.slice(9, 13), 16);
  });
  assert.ok(times.every((ms) => from <= ms && ms <= to));
  assert.deepEqual(
    times,
    times.toSorted((a, b) => a - b),
  );
});
