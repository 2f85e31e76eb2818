import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { further, hopsOf, lineageIn, lineageOf, lineageText, nextHop, withLineage } from './lineage.ts';

describe('lineage', () => {
  it('travels in the trace header beside what else is there', () => {
    const header = withLineage('Root=1-0-a;Parent=b;Sampled=1;Lineage=old:3', 'new:4');
    assert.equal(header, 'Root=1-0-a;Parent=b;Sampled=1;Lineage=new:4');
    assert.equal(lineageOf(header), 'new:4');
    assert.equal(lineageOf('Root=1-0-a; lineage=x:1 ;Self=2'), 'x:1');
  });

  it("is none when it is not ours, such as AWS's own", () => {
    for (const header of ['', 'Root=1-0-a', 'Lineage=1:a87bd80c:5|68fd508a:1', 'Lineage=x', 'Lineage=x:-1', `Lineage=${'x'.repeat(99)}:1`])
      assert.equal(lineageOf(header), '');
  });

  it('is the text itself or in a trace header; of several the furthest counts, of equals the first', () => {
    assert.deepEqual(['c:3', 'Root=1-0-a;Lineage=c:3', 'c3', 'c:3;', ''].map(lineageIn), ['c:3', 'c:3', '', '', '']);
    assert.deepEqual(['c:12', '', 'none'].map(hopsOf), [12, 0, 0]);
    assert.deepEqual(
      [further('a:9', 'b:10'), further('a:2', 'b:2'), further('a:1', ''), further('', 'b:1')],
      ['b:10', 'a:2', 'a:1', 'b:1'],
    );
  });

  it('counts hops from the first', () => {
    assert.equal(lineageText(nextHop('', 'c')), 'c:1');
    assert.equal(lineageText(nextHop('c:16', 'd')), 'c:17');
  });
});
