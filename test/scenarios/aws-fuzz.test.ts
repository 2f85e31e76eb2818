import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { modelIn } from '../../src/control/lambda/model/model.ts';
import { fuzzCases } from '../lambda-fuzz.ts';
import { TestServer } from './platform-server.ts';
import { signedFetch } from './server-credentials.ts';

let server: TestServer;
before(async () => {
  server = await TestServer.start();
});
after(async () => assert.deepEqual(await server.end(), []));

for (const [service, target] of [
  ['logs', 'Logs_20140328'],
  ['events', 'AWSEvents'],
  ['scheduler', null],
] as const)
  test(`${service}: whatever is asked is answered as AWS does, with no 5xx`, async () => {
    const seen = new Set<string>();
    for (const { operation, method, url, headers, body } of fuzzCases({
      seed: 7,
      each: 40,
      functionName: 'fuzzed',
      api: modelIn(`${service}/${service}.json`),
    })) {
      const all = { ...headers, ...(target === null ? {} : { 'x-amz-target': `${target}.${operation}` }) };
      const answer = await signedFetch(server, url, { method, headers: all, service, ...(body === null ? {} : { body }) });
      const text = await answer.text();
      const told = `${operation} ${method} ${url.slice(0, 200)} ${String(body).slice(0, 400)} -> ${answer.status} ${text.slice(0, 200)}`;
      assert.ok(answer.status < 500, told);
      const document = JSON.parse(text) as { __type?: unknown; message?: unknown; Message?: unknown };
      if (answer.status < 400) seen.add(operation);
      else assert.equal(typeof (document.message ?? document.Message), 'string', told);
      if (answer.status >= 400) assert.equal(typeof (document.__type ?? answer.headers.get('x-amzn-errortype')), 'string', told);
    }
    // The requests are good enough for some operations to do what they are for.
    assert.ok(seen.size > 0, [...seen].join(' '));
  });
