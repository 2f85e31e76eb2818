import assert from 'node:assert/strict';
import { test } from 'node:test';
import { VirtualClock } from '../lib/virtual-clock.ts';
import { KeyRing } from './key-ring.ts';
import { Resources } from './resources.ts';
import { TestFunctionStore } from './testing/function-store.ts';

test('a key that was revoked may do nothing, whoever has found it before; one without statements everything', async () => {
  const resources = await Resources.load(new TestFunctionStore().resources, { accountId: '000000000000', region: 'us-east-1' });
  const seal = { seal: (text: string) => text, open: (text: string) => text };
  const [local, functions] = ['local', 'functions'].map((id) => ({ id, secret: id }));
  assert.ok(local !== undefined && functions !== undefined);
  const keys = new KeyRing({ resources, seal, clock: new VirtualClock(0), local, functions, actions: [] });
  const { id } = await keys.create('admin', null);
  assert.equal(keys.statementsOf(id), null);
  assert.equal(keys.statementsOf(local.id), null);
  await keys.revoke(id);
  assert.equal(await keys.find(id), null);
  assert.deepEqual(keys.statementsOf(id), []);
});
