import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { PassThrough } from 'node:stream';
import { test } from 'node:test';
import { ANYBODY, Authority } from '../../auth/authority.ts';
import { listedKeys } from '../../auth/keys.ts';
import { hmac, signingKey } from '../../auth/sigv4.ts';
import { HearthError } from '../../errors.ts';
import { VirtualClock } from '../../lib/virtual-clock.ts';
import type { ObjectStore, Placing } from '../object-store.ts';
import type { Incoming } from '../receive.ts';
import type { S3Deps } from './operation.ts';
import { postForm } from './post-form.ts';
import type { S3Request } from './request.ts';

const NOW = Date.parse('2026-11-24T12:00:00Z');
const KEY = { id: 'AKIAEXAMPLE', secret: 'secret' };
const SCOPE = { date: '20261124', region: 'us-east-1', service: 's3' };

const field = (name: string, value: string): string => `--B\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`;
const TAGGING = '<Tagging><TagSet><Tag><Key>a</Key><Value>1</Value></Tag></TagSet></Tagging>';
const FILE = '--B\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n';

/** The fields of a form that may put pictures at `k`, signed. */
function signedFields(): string {
  const credential = `${KEY.id}/${SCOPE.date}/${SCOPE.region}/s3/aws4_request`;
  const fields = {
    bucket: 'b',
    key: 'k',
    'x-amz-algorithm': 'AWS4-HMAC-SHA256',
    'x-amz-credential': credential,
    'Content-Type': 'image/png',
  };
  const conditions = Object.entries(fields).map(([name, value]) => ['eq', `$${name}`, value]);
  const policy = Buffer.from(JSON.stringify({ expiration: '2026-11-24T13:00:00Z', conditions })).toString('base64');
  const signature = hmac(signingKey(KEY.secret, SCOPE), policy).toString('hex');
  return Object.entries({ ...fields, policy, 'x-amz-signature': signature })
    .map(([name, value]) => field(name, value))
    .join('');
}

/** A form that is sent as the test wants it, to a store that does what the test wants. */
function world(store: { bucket?: () => Promise<void>; put: (incoming: Incoming, to: Placing) => Promise<void> }) {
  const body = new PassThrough();
  const raw = Object.assign(body, {
    headers: { 'content-type': 'multipart/form-data; boundary=B', host: 'localhost' },
    socket: { remoteAddress: '127.0.0.1' },
  });
  const request: S3Request = {
    method: 'POST',
    bucket: 'b',
    key: null,
    byHost: false,
    query: new Map(),
    raw: raw as unknown as IncomingMessage,
    signed: { method: 'POST', url: '/b', headers: {} },
    verified: null,
    caller: ANYBODY,
    requestId: 'r',
  };
  const objects = {
    index: { bucket: async () => store.bucket?.() },
    put: async (incoming: Incoming, _expected: unknown, to: Placing) => {
      await store.put(incoming, to);
      return { etag: 'e', versionId: 'null' };
    },
  };
  const clock = new VirtualClock(NOW);
  const keys = listedKeys([KEY]);
  const authority = new Authority({
    keys,
    statementsOf: () => null,
    clock,
    accountId: '000000000000',
    required: true,
    unsignedData: false,
  });
  const deps = { store: objects as unknown as ObjectStore, clock } as unknown as S3Deps;
  return { body, answered: postForm(request, deps, { keys, authority, cors: {} }) };
}

test('fields behind the file of a form are not part of it: its policy was checked without them', async () => {
  const stored: Placing[] = [];
  const { body, answered } = world({
    // While the form waits here its policy has been checked, and nothing else.
    bucket: async () => {
      body.end(`\r\n${field('Content-Type', 'text/html')}${field('x-amz-meta-by', 'another')}${field('tagging', TAGGING)}--B--`);
      await once(body, 'close');
    },
    put: async ({ chunks }, to) => {
      const read: Buffer[] = [];
      for await (const chunk of chunks) read.push(chunk);
      assert.equal(Buffer.concat(read).toString(), 'a picture');
      stored.push(to);
    },
  });
  body.write(`${signedFields()}${FILE}a picture`);
  assert.equal((await answered).status, 204);
  assert.deepEqual(
    stored.map(({ meta, tags }) => [meta.headers, meta.user, tags]),
    [[{ 'content-type': 'image/png' }, {}, {}]],
  );
});

test('a form whose file is not read to its end, since the disk is full, is answered', async () => {
  const { body, answered } = world({
    put: async ({ chunks }) => {
      for await (const chunk of chunks) assert.fail(new HearthError('StorageFull', `no room for ${chunk.length} bytes`));
    },
  });
  body.write(`${signedFields()}${FILE}`);
  for (let piece = 0; piece < 10; piece++) body.write('x'.repeat(64 * 1024));
  body.end('\r\n--B--');
  await assert.rejects(answered, { code: 'StorageFull' });
});
