import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { FunctionRegistry } from '../registry.ts';
import type { Resources } from '../resources.ts';
import { thingsOf } from './resource-of.ts';

const registry = { scope: { accountId: '000000000000', region: 'us-east-1' } } as FunctionRegistry;
const UUID = '6a2f4a3e-0f0c-4f1e-9b1c-2f0f3c1d5e6f';
const resources = { get: (_kind: string, key: string) => (key === UUID ? { functionName: 'fed' } : null) } as unknown as Resources;
const deps = { registry, resources };
const OWN = 'arn:aws:lambda:us-east-1:000000000000';

function of(operation: string, input: Record<string, unknown>): string {
  const [thing, ...more] = thingsOf(operation, input, deps).on;
  assert.deepEqual(more, []);
  return thing?.[0] ?? '';
}

test('a function is the same to statements by whatever name the operation takes', () => {
  const names = [
    'f',
    'function:f',
    '000000000000:f',
    'us-east-1:000000000000:function:f',
    `${OWN}:function:f`,
    // The model takes these two, too.
    'arn::lambda:us-east-1:000000000000:function:f',
    'arn:aws-cn:lambda:us-east-1:000000000000:function:f',
  ];
  for (const FunctionName of names) assert.equal(of('DeleteFunction', { FunctionName }), `${OWN}:function:f`, FunctionName);
  assert.equal(of('DeleteFunction', { FunctionName: 'f', Qualifier: '1' }), `${OWN}:function:f:1`);
  // What is done to the function is done to it whatever version is named beside it.
  for (const operation of ['UpdateFunctionCode', 'CreateFunction', 'PutFunctionConcurrency', 'CreateAlias'])
    assert.equal(of(operation, { FunctionName: 'f:1' }), `${OWN}:function:f`, operation);
  assert.equal(of('CreateEventSourceMapping', { FunctionName: 'f:live' }), `${OWN}:function:f:live`);
  // A name that looks like the end of a region is none.
  assert.equal(of('GetFunction', { FunctionName: 'foo-1:prod' }), `${OWN}:function:foo-1:prod`);
  assert.equal(of('TagResource', { Resource: 'arn:aws-cn:lambda:us-east-1:000000000000:function:f' }), `${OWN}:function:f`);
});

test('versions of layers go by their layer’s name, too', () => {
  assert.deepEqual(thingsOf('DeleteLayerVersion', { LayerName: 'l', VersionNumber: 3 }, deps).on, [[`${OWN}:layer:l:3`, `${OWN}:layer:l`]]);
  assert.equal(of('ListLayerVersions', { LayerName: `${OWN}:layer:l` }), `${OWN}:layer:l`);
  const by = thingsOf('GetLayerVersionByArn', { Arn: `${OWN}:layer:l:3` }, deps);
  assert.deepEqual(by, { action: 'lambda:GetLayerVersion', on: [[`${OWN}:layer:l:3`, `${OWN}:layer:l`]] });
  assert.equal(of('ListFunctions', {}), '*');
});

test('a mapping goes by the function that it feeds, too; where it is moved, the other function is asked about as well', () => {
  const ARN = `${OWN}:event-source-mapping:${UUID}`;
  assert.deepEqual(thingsOf('GetEventSourceMapping', { UUID }, deps).on, [[ARN, `${OWN}:function:fed`]]);
  assert.deepEqual(thingsOf('UpdateEventSourceMapping', { UUID, FunctionName: 'f:live' }, deps).on, [
    [ARN, `${OWN}:function:fed`],
    [`${OWN}:function:f:live`],
  ]);
  assert.equal(of('GetEventSourceMapping', { UUID: 'of nobody' }), `${OWN}:event-source-mapping:of nobody`);
  assert.equal(of('TagResource', { Resource: ARN }), ARN);
  assert.equal(of('CreateEventSourceMapping', { FunctionName: 'f' }), `${OWN}:function:f`);
});
