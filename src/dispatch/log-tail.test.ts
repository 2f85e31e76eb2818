import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { LogTail } from './log-tail.ts';

describe('the tail of a log', () => {
  it('is all of it while that is short', () => {
    const tail = new LogTail();
    tail.add('one');
    tail.add('two');
    assert.equal(tail.bytes().toString(), 'one\ntwo\n');
  });

  it('is its last 4,096 bytes, wherever a line begins', () => {
    const tail = new LogTail();
    const lines = Array.from({ length: 500 }, (_, i) => `line ${i} ${'ä'.repeat(i % 50)}`);
    for (const line of lines) tail.add(line);
    const all = Buffer.from(lines.map((line) => `${line}\n`).join(''));
    assert.deepEqual(tail.bytes(), all.subarray(-4_096));
    tail.add('x'.repeat(10_000));
    assert.equal(tail.bytes().toString(), `${'x'.repeat(4_095)}\n`);
  });
});
