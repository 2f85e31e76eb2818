import assert from 'node:assert/strict';
import { after } from 'node:test';
import { CreateBucketCommand, GetObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import { TestServer } from './platform-server.ts';
import { s3Client } from './s3-clients.ts';

/** A server with one bucket and a client, for all tests of a file: ended after the last of them, and nothing of it is left. */
export async function s3World(Bucket: string) {
  const server = await TestServer.start();
  const client = s3Client(server);
  after(async () => {
    client.destroy();
    assert.deepEqual(await server.end(), []);
  });
  await client.send(new CreateBucketCommand({ Bucket }));
  const put = (Key: string, Body: string | Buffer = 'x') => client.send(new PutObjectCommand({ Bucket, Key, Body }));
  const bytes = async (Key: string, more: object = {}): Promise<Buffer> => {
    const { Body } = await client.send(new GetObjectCommand({ Bucket, Key, ...more }));
    return Buffer.from((await Body?.transformToByteArray()) ?? []);
  };
  const text = async (Key: string, more: object = {}): Promise<string> => String(await bytes(Key, more));
  return { server, client, put, bytes, text };
}
