import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HearthError } from '../errors.ts';
import { randomIds } from '../lib/ids.ts';
import { VirtualClock } from '../lib/virtual-clock.ts';
import { FunctionRegistry, type FunctionChange, type FunctionSettings } from './registry.ts';
import { memoryStore } from '../store/memory-store.ts';
import { Resources } from './resources.ts';
import { TestFunctionStore } from './testing/function-store.ts';

const scope = { accountId: '000000000000', region: 'us-east-1' };
const settings: FunctionSettings = {
  runtime: 'nodejs20.x',
  handler: 'index.handler',
  memoryMb: 128,
  timeoutMs: 3000,
  ephemeralStorageMb: 512,
  environment: {},
  description: '',
  role: 'arn:aws:iam::000000000000:role/r',
  tags: {},
  architecture: 'x86_64',
  codeSha256: 'x',
  codeBytes: 1,
  dependencies: null,
  scaling: { min: 0, max: null, concurrency: 1, keepAliveMs: 1 },
  snapshot: 'off',
  rehearsal: null,
  url: null,
};

async function opened(store = new TestFunctionStore()) {
  const clock = new VirtualClock(1000);
  const resources = await Resources.load(memoryStore().resources, scope);
  const registry = await FunctionRegistry.load({ store, resources, clock, ids: randomIds, random: () => 0.5, scope });
  const changes: FunctionChange[] = [];
  registry.onChange((change) => changes.push(change));
  return { registry, resources, store, clock, changes };
}

test('what was made is there after a restart, at its latest revision', async () => {
  const { registry, store, clock } = await opened();
  const made = await registry.create('a', settings);
  await clock.advance(5);
  const changed = await registry.update('a', () => ({ memoryMb: 256 }));
  assert.equal(changed.functionId, made.functionId);
  assert.notEqual(changed.revisionId, made.revisionId);
  assert.deepEqual([made.modifiedAtMs, changed.modifiedAtMs, changed.memoryMb], [1000, 1005, 256]);
  const again = await opened(store);
  assert.deepEqual(again.registry.get('a'), changed);
});

test('what was published is not published again, though its fingerprint is of another kind', async () => {
  const { registry, resources } = await opened();
  const { functionId } = await registry.create('a', { ...settings, kept: { SnapStart: { ApplyOn: 'PublishedVersions' } } });
  const publications = (last: number) => resources.put('publications', `${functionId}/`, { last, fingerprint: 'of before' }, functionId);
  const first = await registry.publish('a');
  await publications(1);
  assert.equal(await registry.publish('a'), first);
  await registry.update('a', () => ({ environment: { A: '1' } }));
  await publications(1);
  assert.equal((await registry.publish('a')).version, '2');
});

test('of two that make the same function at once, one gets the conflict', async () => {
  const { registry, changes } = await opened();
  const ends = await Promise.allSettled([registry.create('a', settings), registry.create('a', settings)]);
  assert.deepEqual(ends.map((e) => e.status).sort(), ['fulfilled', 'rejected']);
  assert.equal(changes.length, 1);
});

test('updates at once happen one after the other, each on what the one before left', async () => {
  const { registry, changes } = await opened();
  await registry.create('a', settings);
  await Promise.all(Array.from({ length: 20 }, () => registry.update('a', (f) => ({ memoryMb: f.memoryMb + 1 }))));
  assert.equal(registry.get('a')?.memoryMb, 148);
  for (const change of changes.slice(2)) {
    assert.ok(change.kind === 'updated');
    assert.equal(change.version.memoryMb, change.previous.memoryMb + 1);
  }
});

test('an update of another revision than the present is refused', async () => {
  const { registry } = await opened();
  const first = await registry.create('a', settings);
  await registry.update('a', () => ({ memoryMb: 200 }), { expectedRevisionId: first.revisionId });
  await assert.rejects(
    registry.update('a', () => ({ memoryMb: 300 }), { expectedRevisionId: first.revisionId }),
    { code: 'PreconditionFailedException', message: /^The Revision Id provided does not match/ },
  );
  assert.equal(registry.get('a')?.memoryMb, 200);
});

test('what the store did not take is not seen, told, or in the way of the next', async () => {
  const { registry, store, changes } = await opened();
  store.failNext = new Error('disk full');
  await assert.rejects(registry.create('a', settings), /disk full/);
  assert.equal(registry.get('a'), null);
  const made = await registry.create('a', settings);
  store.failNext = new Error('disk full');
  await assert.rejects(
    registry.update('a', () => ({ memoryMb: 999 })),
    /disk full/,
  );
  store.failNext = new Error('disk full');
  await assert.rejects(registry.remove('a'), /disk full/);
  assert.equal(registry.get('a'), made);
  assert.deepEqual(
    changes.map((c) => c.kind),
    ['created'],
  );
  assert.equal(await registry.remove('a'), true);
  assert.equal(await registry.remove('a'), false);
  await assert.rejects(
    registry.update('a', () => ({})),
    { code: 'ResourceNotFoundException' },
  );
});

test('names are taken as Lambda takes them', async () => {
  const { registry } = await opened();
  const made = await registry.create('my-fn', settings);
  for (const name of [
    'my-fn',
    'my-fn:$LATEST',
    'function:my-fn',
    '000000000000:function:my-fn',
    'arn:aws:lambda:us-east-1:000000000000:function:my-fn',
  ]) {
    assert.equal(registry.find(name, null), made, name);
  }
  assert.equal(registry.find('my-fn', '$LATEST'), made);
  const missing = 'Function not found: arn:aws:lambda:us-east-1:000000000000:function:';
  const refused: [string, string | null, string, string | RegExp][] = [
    ['nope', null, 'ResourceNotFoundException', `${missing}nope:$LATEST`],
    ['my-fn', '7', 'ResourceNotFoundException', `${missing}my-fn:7`],
    ['my-fn', '$latest', 'ResourceNotFoundException', `${missing}my-fn:$latest`],
    [
      'my-fn:1',
      '2',
      'InvalidParameterValueException',
      'The derived qualifier from the function name does not match the specified qualifier.',
    ],
    [
      'my-fn!',
      null,
      'ValidationException',
      /^1 validation error detected: Value 'my-fn!' at 'functionName' failed to satisfy constraint: Member must satisfy regular expression pattern: /,
    ],
    [
      'my-fn',
      'x'.repeat(129),
      'ValidationException',
      /at 'qualifier' failed to satisfy constraint: Member must have length less than or equal to 128$/,
    ],
    ['my-fn:1:2', null, 'ValidationException', /regular expression/],
    ['arn:aws:lambda::000000000000:function:my-fn', null, 'ValidationException', /regular expression/],
    ['', null, 'ValidationException', /greater than or equal to 1/],
    [
      'arn:aws:lambda:eu-west-1:000000000000:function:my-fn',
      null,
      'ResourceNotFoundException',
      "Functions from 'eu-west-1' are not reachable in this region ('us-east-1')",
    ],
    ['111111111111:function:my-fn', null, 'AccessDeniedException', /account 111111111111/],
  ];
  for (const [name, qualifier, code, message] of refused)
    assert.throws(() => registry.find(name, qualifier), { code, message }, `${name} ${qualifier}`);
});

test('a write whose answer was lost, made or not, is in the way of none that follows', async () => {
  const unavailable = { code: 'ServiceUnavailable' };
  const { registry, store } = await opened();
  const lose = async (write: () => Promise<unknown>, made: boolean): Promise<void> => {
    if (made) store.loseNextAnswer = true;
    else store.failNext = new HearthError('ServiceUnavailable', 'away');
    await assert.rejects(write(), unavailable);
  };
  for (const made of [true, false]) await lose(() => registry.create('a', settings), made);
  const { functionId } = await registry.create('a', settings);
  for (const made of [true, false, true]) await lose(() => registry.update('a', () => ({ memoryMb: 256 })), made);
  assert.equal(registry.get('a')?.memoryMb, 128, 'nobody was told otherwise');
  await registry.update('a', () => ({ memoryMb: 512 }));
  await registry.update('a', () => ({ timeoutMs: 1_000 }));
  const again = await opened(store);
  const found = again.registry.list().map((f) => [f.functionId, f.memoryMb, f.timeoutMs]);
  assert.deepEqual(found, [[functionId, 512, 1_000]]);
  await assert.rejects(store.replaceLatest({ ...registry.find('a', null) }, 'another'), { code: 'PreconditionFailedException' });
});

test('a host, which has no case, finds the URL of a function whose name has', async () => {
  const { registry } = await opened();
  for (const name of ['HelloWorld', 'Two', 'TWO', 'two-and-Two']) await registry.create(name, settings);
  const found = (name: string, anyCase = true) => registry.url(name, anyCase)?.version.name;
  assert.deepEqual([found('helloworld'), found('HELLOworld'), found('two-and-two')], ['HelloWorld', 'HelloWorld', 'two-and-Two']);
  assert.equal(found('helloworld', false), undefined, 'a path has case');
  assert.deepEqual([found('TWO'), found('Two'), found('two')], ['TWO', 'Two', undefined]);
});
