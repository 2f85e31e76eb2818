import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { failedItems } from './batch-failures.ts';

const failed = (answer: unknown): string[] =>
  [...failedItems(Buffer.from(typeof answer === 'string' ? answer : JSON.stringify(answer)), ['a', 'b', 'c'])].sort();

describe('failedItems', () => {
  it('is none when nothing is reported', () => {
    for (const answer of ['', 'null', '{}', { batchItemFailures: [] }, { batchItemFailures: null }, '"done"', { ok: true }])
      assert.deepEqual(failed(answer), [], JSON.stringify(answer));
  });

  it('is what is reported', () => {
    assert.deepEqual(failed({ batchItemFailures: [{ itemIdentifier: 'b' }, { itemIdentifier: 'a' }] }), ['a', 'b']);
  });

  it('is all when the report makes no sense', () => {
    const reports = [
      [{ itemIdentifier: '' }],
      [{ itemIdentifier: null }],
      [{}],
      [{ id: 'a' }],
      [{ itemIdentifier: 'z' }],
      ['a'],
      [null],
      {},
      'a',
    ];
    for (const batchItemFailures of reports)
      assert.deepEqual(failed({ batchItemFailures }), ['a', 'b', 'c'], JSON.stringify(batchItemFailures));
    assert.deepEqual(failed('{"batch'), ['a', 'b', 'c']);
  });
});
