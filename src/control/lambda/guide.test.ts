import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { fuzzCases } from '../../../test/lambda-fuzz.ts';
import { HearthError } from '../../errors.ts';
import { openPlane, zipOf, type TestPlane } from '../testing/plane.ts';
import { LAMBDA } from './model/model.ts';
import type { LambdaDeps, OperationCall } from './operation.ts';
import { INVOCATIONS, OPERATIONS } from './operations.ts';
import { UNSERVED } from './unserved.ts';

const GUIDE = new URL('../../../../docs/guides/coming-from-lambda.md', import.meta.url);

interface Row {
  readonly how: string;
  readonly why: string;
}

let plane: TestPlane;
const told = new Map<string, Row>();

before(async () => {
  for (const [, name = '', how = '', why = ''] of readFileSync(GUIDE, 'utf8').matchAll(
    /^\| (\w+) \| (works|differs|absent) \| (.*)\|$/gm,
  )) {
    assert.ok(!told.has(name), `${name} twice`);
    told.set(name, { how, why: why.trim() });
  }
  plane = await openPlane();
  const ZipFile = (await zipOf({ 'index.js': 'exports.handler = async () => 1' })).toString('base64');
  const Role = 'arn:aws:iam::000000000000:role/r';
  const payload = { FunctionName: 'guided', Runtime: 'nodejs20.x', Handler: 'index.handler', Role, Code: { ZipFile }, Publish: true };
  assert.equal((await plane.app.inject({ method: 'POST', url: '/2015-03-31/functions', payload })).statusCode, 201);
});
after(() => plane.close());

test('the guide names every operation of the model once, with a reason where it differs or is absent', () => {
  assert.equal(told.size, Object.keys(LAMBDA.operations).length);
  assert.deepEqual([...told.keys()].sort(), Object.keys(LAMBDA.operations).sort());
  for (const [name, { how, why }] of told)
    assert.equal(how === 'works', why === '', `${name}: a difference has its reason, and nothing else has`);
});

test('every operation of the model is served, by the control plane or the gateway, and nothing else is', () => {
  assert.deepEqual([...Object.keys(OPERATIONS), ...INVOCATIONS].sort(), Object.keys(LAMBDA.operations).sort());
});

test('what the guide calls absent answers as it says, and nothing else is absent', async () => {
  const absent = [...told].filter(([, { how }]) => how === 'absent');
  assert.deepEqual(absent.map(([name]) => name).sort(), Object.keys(UNSERVED).sort());
  const functionRegistry = { registry: plane.registry } as unknown as LambdaDeps;
  for (const [name, { why }] of absent) {
    const call = { input: { FunctionName: 'guided' } } as unknown as OperationCall;
    const answer = await Promise.resolve()
      .then(() => UNSERVED[name]?.(call, functionRegistry))
      .catch((error: unknown) => error);
    if (why.includes('InvalidParameterValueException')) {
      assert.ok(answer instanceof HearthError && answer.code === 'InvalidParameterValueException', name);
      assert.match(answer.message, /^Hearth has no /, name);
    } else {
      assert.match(why, /nothing is found$/, name);
      const empty = answer !== null && typeof answer === 'object' && Object.values(answer).every((v) => Array.isArray(v) && v.length === 0);
      assert.ok(empty || (answer instanceof HearthError && answer.code === 'ResourceNotFoundException'), name);
    }
  }
});

test('no operation that the guide calls working says that Hearth has no such thing', async () => {
  const answered = new Set<string>();
  for (const { operation, method, url, headers, body } of fuzzCases({ seed: 11, each: 3, functionName: 'guided' })) {
    if (told.get(operation)?.how !== 'works') continue;
    const response = await plane.app.inject({ method, url, headers, ...(body === null ? {} : { payload: body }) });
    assert.doesNotMatch(response.body, /Hearth (has no|does not|can't)/, operation);
    answered.add(operation);
  }
  const working = [...told].filter(([name, { how }]) => how === 'works' && !INVOCATIONS.includes(name)).map(([name]) => name);
  assert.deepEqual([...answered].sort(), working.sort());
});
