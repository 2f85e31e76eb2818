import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { lineageOf, lineageText, nextHop, withLineage } from './lineage.ts';

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

  it('counts hops from the first', () => {
    assert.equal(lineageText(nextHop('', 'c')), 'c:1');
    assert.equal(lineageText(nextHop('c:16', 'd')), 'c:17');
  });
});
