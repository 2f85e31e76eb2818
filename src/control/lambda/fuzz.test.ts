import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { openPlane, zipOf, type TestPlane } from '../testing/plane.ts';
import { fuzzCases } from '../../../test/lambda-fuzz.ts';

let plane: TestPlane;

before(async () => {
  plane = await openPlane();
  const zip = (await zipOf({ 'index.js': 'exports.handler = async () => 1' })).toString('base64');
  const payload = {
    FunctionName: 'fuzzed',
    Runtime: 'nodejs20.x',
    Handler: 'index.handler',
    Role: 'arn:aws:iam::000000000000:role/r',
    Code: { ZipFile: zip },
    Publish: true,
  };
  assert.equal((await plane.app.inject({ method: 'POST', url: '/2015-03-31/functions', payload })).statusCode, 201);
});
after(() => plane.close());

test('every operation answers every request that the model can think of, and what it can’t, as AWS does: no 5xx, no HTML', async () => {
  const seen = new Set<string>();
  let cases = 0;
  for (const { operation, method, url, headers, body } of fuzzCases({ seed: 1, each: 12, functionName: 'fuzzed' })) {
    const response = await plane.app.inject({ method, url, headers, ...(body === null ? {} : { payload: body }) });
    const told = `${operation} ${method} ${url.slice(0, 200)} ${String(body).slice(0, 300)} -> ${response.statusCode} ${response.body.slice(0, 200)}`;
    assert.ok(response.statusCode < 500, told);
    if (response.body !== '') JSON.parse(response.body);
    if (response.statusCode >= 400) {
      const document = response.json<{ message?: unknown; Message?: unknown }>();
      assert.equal(typeof (document.message ?? document.Message), 'string', told);
      assert.equal(typeof response.headers['x-amzn-errortype'], 'string', told);
    } else seen.add(operation);
    cases++;
  }
  assert.ok(cases > 900, String(cases));
  // The requests are good enough for many operations to do what they are for.
  assert.ok(seen.size > 20, [...seen].join(' '));
  assert.deepEqual(plane.reported, []);
});
