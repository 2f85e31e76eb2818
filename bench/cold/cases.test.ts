import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { allCases, eventOf, wantedCases } from './cases.ts';

describe('the rows of cold', () => {
  it('differ from each other, and what one deployment serves lies together', () => {
    const rows = allCases();
    assert.equal(new Set(rows.map((row) => JSON.stringify(row))).size, rows.length);
    const groups = rows.map((row) => row.group);
    assert.deepEqual(
      groups.filter((group, i) => group !== groups[i - 1]),
      ['plain', 'picture', 'state', 'load', 'children'],
    );
  });

  it('are taken from a snapshot wherever something is special about them', () => {
    for (const row of allCases()) if (row.group !== 'plain') assert.equal(row.rung, 'snapshot', JSON.stringify(row));
  });

  it('have as many children as were asked for', () => {
    assert.deepEqual([...new Set(allCases(7).map((row) => row.children))], [0, 7]);
  });

  it('send a picture as its bytes', () => {
    const row = allCases().find(({ event }) => event === 'picture');
    assert.ok(row);
    const { image } = eventOf(row) as { image: string };
    assert.equal(Buffer.from(image, 'base64').subarray(1, 4).toString(), 'PNG');
  });

  it('are those that were asked for; what does not exist is refused by name', () => {
    const all = { cases: null, only: null, rungs: null, count: null };
    assert.deepEqual(wantedCases(all), allCases());
    const few = wantedCases({ ...all, cases: ['plain', 'load'], only: ['detect', 'hello-node'], rungs: ['snapshot'] });
    assert.deepEqual(
      few.map((row) => `${row.group} ${row.function}`),
      ['plain hello-node', 'plain detect', 'load hello-node', 'load detect'],
    );
    assert.throws(() => wantedCases({ ...all, cases: ['plain', 'stat'] }), /plain, picture, state, children, load: not stat/);
    assert.throws(() => wantedCases({ ...all, only: ['hello-nod'] }), /hello-node, .*: not hello-nod$/);
    assert.throws(() => wantedCases({ ...all, rungs: ['warm'] }), /disk, zygote, snapshot: not warm/);
  });
});
