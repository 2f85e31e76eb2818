import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { readAnswer } from './answer.ts';
import { requestBytes } from './plan.ts';

const of = (text: string) => readAnswer(Buffer.from(text, 'latin1'));

describe('readAnswer', () => {
  it('waits for the whole head and the whole body, wherever the packets were cut', () => {
    const whole = 'HTTP/1.1 200 OK\r\nX-Hearth-Duration-Ms: 0.125\r\nContent-Length: 5\r\n\r\nhello';
    for (let cut = 0; cut < whole.length; cut++) assert.equal(of(whole.slice(0, cut)), null);
    const answer = of(whole);
    assert.equal(answer?.status, 200);
    assert.equal(answer.body.toString(), 'hello');
    assert.equal(answer.header('x-hearth-duration-ms'), '0.125');
    assert.equal(answer.header('x-hearth-cold-rung'), null);
  });

  it('puts chunks together', () => {
    const whole = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nb\r\ndefghijklmn\r\n0\r\n\r\n';
    assert.equal(of(whole.slice(0, -7)), null);
    assert.equal(of(whole)?.body.toString(), 'abcdefghijklmn');
  });

  it('reads an answer without a body', () => {
    assert.equal(of('HTTP/1.1 204 No Content\r\n\r\n')?.body.length, 0);
    assert.equal(of('HTTP/1.1 429 Too Many Requests\r\nContent-Length: 0\r\n\r\n')?.status, 429);
  });

  it('throws at what is no answer, or one whose end nobody could know', () => {
    assert.throws(() => of('SSH-2.0-OpenSSH\r\n\r\n'), /not an HTTP/);
    assert.throws(() => of('HTTP/1.1 200 OK\r\n\r\nforever'), /without a length/);
  });
});

it('a request carries the length of its bytes, not of its characters', () => {
  const bytes = requestBytes({ port: 8420, method: 'POST', path: '/x', headers: { 'content-type': 'application/json' }, body: '{"ä":1}' });
  assert.equal(
    bytes.toString(),
    'POST /x HTTP/1.1\r\nhost: 127.0.0.1:8420\r\ncontent-type: application/json\r\ncontent-length: 8\r\n\r\n{"ä":1}',
  );
});
