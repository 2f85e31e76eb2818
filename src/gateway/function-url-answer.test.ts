import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { functionUrlAnswer } from './function-url-answer.ts';

const answer = (value: unknown) => functionUrlAnswer(Buffer.from(JSON.stringify(value)));

describe('the answer of a function URL', () => {
  it('leaves out headers and cookies that can be no text, and is none with such a status', () => {
    const none = { toString: 1, valueOf: 1 };
    const made = answer({ statusCode: 201, headers: { a: none, b: 2, c: 'd\n' }, cookies: [none, 'e=1', 'f=\n'], body: 'g' });
    assert.deepEqual([made?.status, made?.body.toString()], [201, 'g']);
    assert.deepEqual(made?.headers, { 'content-type': 'application/json', b: '2', 'set-cookie': ['e=1'] });
    assert.equal(answer({ statusCode: none }), null);
  });

  it('has the cookies of both places where a handler may name them', () => {
    const made = answer({ statusCode: 200, headers: { 'Set-Cookie': 'a=1' }, cookies: ['b=2'] });
    assert.deepEqual(made?.headers['set-cookie'], ['a=1', 'b=2']);
  });

  it('is none with a status that only comes before an answer', () => {
    for (const statusCode of [99, 100, 101, 103, 199, 600, 200.5]) assert.equal(answer({ statusCode }), null, String(statusCode));
    assert.equal(answer({ statusCode: '204' })?.status, 204);
  });

  it('is none with a body that is no text and too deep to be made one', () => {
    const deep = `${'['.repeat(100_000)}${']'.repeat(100_000)}`;
    assert.equal(functionUrlAnswer(Buffer.from(`{"statusCode":200,"body":${deep}}`)), null);
    assert.equal(functionUrlAnswer(Buffer.from(deep))?.body.toString(), deep);
  });
});
