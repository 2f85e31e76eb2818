import assert from 'node:assert/strict';
import { it } from 'node:test';
import { formatTable } from './table.ts';

it('aligns words to the left and figures to the right', () => {
  const text = formatTable({
    title: 'Times',
    columns: ['peer', 'ms', 'rps'],
    rows: [
      ['a', 1.234, 12_345.6],
      ['long name', 45.67, null],
    ],
  });
  assert.equal(
    text,
    ['Times', '', 'peer         ms     rps', '---------  ----  ------', 'a          1.23  12,346', 'long name  45.7       -'].join('\n'),
  );
});
