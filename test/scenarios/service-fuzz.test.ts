import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { CreateBucketCommand } from '@aws-sdk/client-s3';
import { fuzzedServices } from '../../bench/conformance/fuzzing.ts';
import { readLocalKey } from '../../src/auth/local-key.ts';
import { serviceRequests } from '../service-fuzz.ts';
import { TestServer } from './platform-server.ts';
import { s3Client } from './s3-clients.ts';

let server: TestServer;
before(async () => {
  server = await TestServer.start();
});
after(async () => {
  assert.deepEqual(await server.end(), []);
});

test('whatever is asked of the object store and the queues, they answer as S3 and SQS do: no 5xx, no HTML', async () => {
  const client = s3Client(server);
  await client.send(new CreateBucketCommand({ Bucket: 'fuzzed' }));
  client.destroy();
  const key = readLocalKey(server.home);
  assert.ok(key !== null);
  const { cases, violations } = await fuzzedServices(server.endpoint, key, serviceRequests({ seed: 3, count: 800 }));
  assert.equal(cases, 800);
  assert.deepEqual(violations, []);
});
