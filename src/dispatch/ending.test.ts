import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { InitFailure } from '../fleet/driver.ts';
import { answered, initFailed } from './ending.ts';

const failed = (document: string) => initFailed('r-1', new InitFailure('Runtime.Unknown', Buffer.from(document), 1)).body.toString();

describe('what an init phase that failed is answered with', () => {
  it('is of the invocation that waited for it', () => {
    const document = { errorType: 'Runtime.ExitError', errorMessage: 'RequestId: an-instance Error: Runtime exited' };
    assert.deepEqual(JSON.parse(failed(JSON.stringify(document))), { ...document, errorMessage: 'RequestId: r-1 Error: Runtime exited' });
  });

  it('is what a custom runtime said, whatever that is', () => {
    const deep = `{"errorMessage":"RequestId: x","cause":${'['.repeat(100_000)}${']'.repeat(100_000)}}`;
    for (const document of [deep, '', 'no JSON', 'null', '[1]', '"text"', '{"errorMessage":42}', '{}'])
      assert.equal(failed(document), document);
  });
});

it('the type of an error is cut, and such as any database takes it', () => {
  const type = `a\u0000${'x'.repeat(2_000)}`;
  const kept = `a\ufffd${'x'.repeat(998)}`;
  const answer = { errorType: type, body: Buffer.from('{}'), handlerMs: 1, peakMemoryBytes: 1, logged: null };
  assert.equal(answered(answer).errorType, kept);
  assert.equal(answered({ ...answer, errorType: null }).errorType, null);
  assert.equal(initFailed('r-1', new InitFailure(type, Buffer.from('{}'), 1)).errorType, kept);
});
