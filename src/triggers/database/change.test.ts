import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { rowOf } from './change.ts';
import type { Relation } from './pgoutput.ts';

const TEXT = 25;
const TEXTS = 1009;

function relation(...columns: [name: string, typeOid: number][]): Relation {
  const described = columns.map(([name, typeOid]) => ({ name, typeOid, identity: name === 'id' }));
  return { oid: 1, schema: 'public', table: 'odd', replicaIdentity: 'default', columns: described };
}

describe('the row of a change', () => {
  it('has a column called __proto__ like any other, whatever its type', () => {
    const row = rowOf(relation(['id', TEXT], ['__proto__', TEXTS]), ['1', '{admin}']);
    assert.equal(JSON.stringify(row), '{"id":"1","__proto__":["admin"]}');
    assert.equal(Object.getPrototypeOf(row), Object.prototype);
    assert.equal(JSON.stringify(rowOf(relation(['__proto__', TEXT]), ['a'])), '{"__proto__":"a"}');
  });

  it('has the identity alone where only that is asked for', () => {
    assert.deepEqual(rowOf(relation(['id', TEXT], ['name', TEXT]), ['1', null], { identityOnly: true }), { id: '1' });
  });
});
