import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { describe, it } from 'node:test';
import { signedPayload } from './payload.ts';
import { hmac, type SignedRequest } from './sigv4.ts';
import { CREDENTIAL, EMPTY, getObject, refusal, verify } from './testing/aws-example.ts';

/** A body in pieces that have nothing to do with its chunks. */
async function* pieces(text: string, size: number): AsyncGenerator<Buffer> {
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

async function read(chunks: AsyncIterable<Buffer>): Promise<string> {
  const all: Buffer[] = [];
  for await (const chunk of chunks) all.push(chunk);
  return Buffer.concat(all).toString();
}

describe('a body in signed chunks', () => {
  const headers = {
    host: ['s3.amazonaws.com'],
    'x-amz-date': ['20130524T000000Z'],
    'x-amz-storage-class': ['REDUCED_REDUNDANCY'],
    'x-amz-content-sha256': ['STREAMING-AWS4-HMAC-SHA256-PAYLOAD'],
    'content-encoding': ['aws-chunked'],
    'x-amz-decoded-content-length': ['66560'],
    'content-length': ['66824'],
    authorization: [
      `AWS4-HMAC-SHA256 Credential=${CREDENTIAL},SignedHeaders=content-encoding;content-length;host;x-amz-content-sha256;x-amz-date;x-amz-decoded-content-length;x-amz-storage-class,Signature=4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9`,
    ],
  };
  const request: SignedRequest = { method: 'PUT', url: '/examplebucket/chunkObject.txt', headers };
  const a = 'a'.repeat(65_536);
  const body = (first = 'ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648', data = a): string =>
    `10000;chunk-signature=${first}\r\n${data}\r\n` +
    `400;chunk-signature=0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497\r\n${'a'.repeat(1024)}\r\n` +
    '0;chunk-signature=b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9\r\n\r\n';
  const decode = async (text: string, size = 10_000, more: SignedRequest = request): Promise<string> =>
    read(signedPayload(pieces(text, size), more, await verify(request)).chunks);

  it('of AWS’s example is decoded, however it is cut', async () => {
    for (const size of [7, 1024, 65_536, 100_000]) assert.equal(await decode(body(), size), 'a'.repeat(66_560));
  });

  it('is refused with a wrong signature, other data, an end too early, or another length', async () => {
    await refusal(decode(body('0'.repeat(64))), 'SignatureDoesNotMatch');
    await refusal(decode(body(undefined, `b${a.slice(1)}`)), 'SignatureDoesNotMatch');
    await refusal(decode(body().slice(0, 60_000)), 'IncompleteBody');
    await refusal(decode(body().slice(0, -95)), 'IncompleteBody');
    await refusal(decode('rubbish\r\n'), 'IncompleteBody');
    await refusal(decode('x'.repeat(20_000)), 'IncompleteBody');
    await refusal(
      decode(body(), 10_000, { ...request, headers: { ...headers, 'x-amz-decoded-content-length': ['66559'] } }),
      'IncompleteBody',
    );
  });

  it('needs the length of what it decodes to', async () => {
    const { 'x-amz-decoded-content-length': _, ...rest } = headers;
    await refusal(decode(body(), 10_000, { ...request, headers: rest }), 'MissingContentLength');
  });
});

describe('a body with a trailer', () => {
  const declared = 'STREAMING-UNSIGNED-PAYLOAD-TRAILER';
  const headers = { 'x-amz-content-sha256': [declared], 'x-amz-decoded-content-length': ['5'], 'x-amz-trailer': ['x-amz-checksum-crc32'] };
  const payload = (text: string) => signedPayload(pieces(text, 3), { method: 'PUT', url: '/', headers }, null);

  it('gives what was announced', async () => {
    const { chunks, trailers } = payload('5\r\nhello\r\n0\r\nx-amz-checksum-crc32:NhCmhg==\r\n\r\n');
    assert.equal(await read(chunks), 'hello');
    assert.equal(trailers.get('x-amz-checksum-crc32'), 'NhCmhg==');
  });

  it('is refused without it, with another one, or with one that was not announced', async () => {
    await refusal(read(payload('5\r\nhello\r\n0\r\n\r\n').chunks), 'InvalidRequest');
    await refusal(read(payload('5\r\nhello\r\n0\r\nx-amz-checksum-sha1:x\r\n\r\n').chunks), 'InvalidRequest');
    await refusal(read(payload('5\r\nhello\r\n0\r\nrubbish\r\n\r\n').chunks), 'InvalidRequest');
  });

  it('that is signed is verified link by link', async () => {
    const verified = await verify(getObject());
    assert.ok(verified);
    const { signature: seed, signingKey: key } = verified;
    const link = (kind: string, previous: string, ...hashes: string[]): string =>
      hmac(key, [kind, '20130524T000000Z', '20130524/us-east-1/s3/aws4_request', previous, ...hashes].join('\n')).toString('hex');
    const hello = '2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824';
    const first = link('AWS4-HMAC-SHA256-PAYLOAD', seed, EMPTY, hello);
    const last = link('AWS4-HMAC-SHA256-PAYLOAD', first, EMPTY, EMPTY);
    const line = 'x-amz-checksum-crc32:NhCmhg==\n';
    const end = link('AWS4-HMAC-SHA256-TRAILER', last, createHash('sha256').update(line).digest('hex'));
    const text = (signature: string): string =>
      `5;chunk-signature=${first}\r\nhello\r\n0;chunk-signature=${last}\r\nx-amz-checksum-crc32:NhCmhg==\r\nx-amz-trailer-signature:${signature}\r\n\r\n`;
    const signed = { ...headers, 'x-amz-content-sha256': ['STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER'] };
    const decode = (signature: string) =>
      read(signedPayload(pieces(text(signature), 50), { method: 'PUT', url: '/', headers: signed }, verified).chunks);
    assert.equal(await decode(end), 'hello');
    await refusal(decode(first), 'SignatureDoesNotMatch');
  });
});

describe('the digest of a body', () => {
  const payload = (text: string, declared: string) =>
    signedPayload(pieces(text, 2), { method: 'PUT', url: '/', headers: { 'x-amz-content-sha256': [declared] } }, null);
  it('must be its own', async () => {
    const hello = '2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824';
    assert.equal(await read(payload('hello', hello).chunks), 'hello');
    await refusal(read(payload('hallo', hello).chunks), 'XAmzContentSHA256Mismatch');
    assert.throws(() => payload('hello', 'rubbish'), { name: 'InvalidArgument' });
  });
});
