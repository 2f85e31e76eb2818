import assert from 'node:assert/strict';
import { test } from 'node:test';
import { errorMessage } from './error-document.ts';

test('what an error document says is cut, and such as any database takes it', () => {
  const said = (document: string): string => errorMessage(Buffer.from(document));
  assert.equal(said('{"errorMessage":"a\\u0000b\\ud800"}'), 'a\ufffdb\ufffd');
  assert.equal(said(JSON.stringify({ errorMessage: 'x'.repeat(2_000) })), 'x'.repeat(1_000));
  assert.equal(said('no JSON\u0000'), 'no JSON\ufffd');
});
