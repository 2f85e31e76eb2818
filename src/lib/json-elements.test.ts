import assert from 'node:assert/strict';
import { test } from 'node:test';
import { jsonElements } from './json-elements.ts';

test('the elements of an array are as they were written', () => {
  const texts = (json: string) => jsonElements(Buffer.from(json)).map(String);
  for (const none of ['[]', ' [ \n] ']) assert.deepEqual(texts(none), []);
  const elements = ['12345678901234567890', '{"a": [1.0, {"b": "}],[\\"\\\\"}]}', '"\\\\"', '[[], {}]', '"é,"', 'null', '-1e400'];
  assert.deepEqual(texts(`[${elements.join(',')}]`), elements);
  assert.deepEqual(texts(`\t[ ${elements.join(' ,\r\n')}\n] `), elements);
  const deep = '['.repeat(1_000_000) + ']'.repeat(1_000_000);
  assert.deepEqual(
    texts(`[${deep},2]`).map((text) => text.length),
    [deep.length, 1],
  );
});
