import assert from 'node:assert/strict';
import { test } from 'node:test';
import { plainText } from './plain-text.ts';

test('a text is cut, and what nobody can keep is replaced', () => {
  assert.equal(plainText('as it is: ä 😀', 100), 'as it is: ä 😀');
  assert.equal(plainText('a\u0000b\ud800c\udc00', 100), 'a\ufffdb\ufffdc\ufffd');
  assert.equal(plainText('x😀', 2), 'x\ufffd');
  assert.equal(plainText('x'.repeat(9), 3), 'xxx');
});
