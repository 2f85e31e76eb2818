import assert from 'node:assert/strict';
import { test } from 'node:test';
import { canonicalJson } from './canonical-json.ts';

test('members come in one order at every depth, items of lists in theirs', () => {
  const one = { b: [{ z: 1, a: null }, 2], A: { long: 'x', s: true }, absent: undefined };
  const other = { A: { s: true, long: 'x' }, b: [{ a: null, z: 1 }, 2] };
  assert.equal(canonicalJson(one), canonicalJson(other));
  assert.deepEqual(JSON.parse(canonicalJson(one)), other);
  assert.notEqual(canonicalJson([1, 2]), canonicalJson([2, 1]));
  assert.equal(canonicalJson(JSON.parse('{"__proto__":1,"a":2}')), '{"__proto__":1,"a":2}');
});
