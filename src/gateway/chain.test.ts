import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { VirtualClock } from '../lib/virtual-clock.ts';
import { placeOf } from './chain.ts';

const OF_FUNCTIONS = 'AKIAFUNCTIONS';
const chains = { ofFunctions: (id: string | null) => id === OF_FUNCTIONS, mayLoop: (functionId: string) => functionId === 'loops' };
const asked = (more: object) => ({
  functionId: 'f',
  requestId: '0194c0de-0000-7000-8000-00000badcafe',
  traceId: '',
  clock: new VirtualClock(1_000_000),
  accessKeyId: null,
  ...more,
});

describe('the place of a synchronous invocation in its chain', () => {
  it('is none where no function asks', () => {
    assert.deepEqual(placeOf(asked({}), chains), { lineage: '', traceId: '' });
    const traceId = 'Root=1-0-a;Sampled=1';
    assert.deepEqual(placeOf(asked({ traceId, accessKeyId: 'AKIAOTHER' }), chains), { lineage: '', traceId });
  });

  it('is the first of a chain where a function asks that says nothing', () => {
    const { lineage, traceId } = placeOf(asked({ accessKeyId: OF_FUNCTIONS }), chains);
    assert.equal(lineage, '0badcafe:1');
    assert.match(traceId, /^Root=1-000003e8-[0-9a-f]{24};Sampled=0;Lineage=0badcafe:1$/);
  });

  it('is one further than the function that asks, up to the 16th', () => {
    const at = (hops: number, more = {}) => placeOf(asked({ traceId: `Root=1-0-a;Lineage=c:${hops}`, ...more }), chains);
    assert.deepEqual(at(15), { lineage: 'c:16', traceId: 'Root=1-0-a;Lineage=c:16' });
    assert.throws(() => at(16), { code: 'RecursiveInvocationException', status: 400, message: /Step 17 of the chain c;/ });
    assert.equal(at(16, { functionId: 'loops' }).lineage, 'c:17');
  });
});
