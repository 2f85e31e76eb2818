import assert from 'node:assert/strict';
import { it } from 'node:test';
import { VirtualClock } from '../../lib/virtual-clock.ts';
import type { FunctionVersion } from '../../model/function-version.ts';
import { aDelivery } from '../../model/testing/a-delivery.ts';
import type { Invocation } from '../../model/invocation.ts';
import { functionTarget } from './function-target.ts';
import type { Claimed } from './ledger.ts';

it('stops a chain at its 17th step, unless its function may loop', async () => {
  const lineages: string[] = [];
  let mayLoop = false;
  const version = {
    name: 'f',
    accountId: '000000000000',
    region: 'us-east-1',
    scaling: { max: null, concurrency: 1 },
  } as unknown as FunctionVersion;
  const target = functionTarget({
    dispatcher: {
      invoke: async (_: FunctionVersion, { lineage }: Invocation) => {
        lineages.push(lineage);
        return { body: Buffer.from('null'), executedVersion: '$LATEST', error: null } as never;
      },
    },
    functions: { version: () => version, config: () => null, mayLoop: () => mayLoop },
    clock: new VirtualClock(),
    perFunction: 1,
  });
  const claimed = { ...aDelivery(), seq: '1', eventId: 'e', lane: 'f', requestId: 'r', attempt: 1, ageMs: 0 } as unknown as Claimed;
  const at = async (lineage: string) => (await target.attempt({ ...claimed, lineage })).givenUp;
  assert.deepEqual([await at('c:15'), await at('c:16')], [undefined, 'LoopStopped']);
  mayLoop = true;
  assert.deepEqual([await at('c:16'), await at('c:400')], [undefined, undefined]);
  assert.deepEqual(lineages, ['c:16', 'c:17', 'c:401']);
});
