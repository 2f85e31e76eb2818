import { readFileSync } from 'node:fs';
import { S3Client, type S3ClientConfig, S3ServiceException } from '@aws-sdk/client-s3';
import assert from 'node:assert/strict';
import { join } from 'node:path';
import type { TestServer } from './platform-server.ts';

export interface Credentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

/** The key that a server made for itself, from the file that every AWS tool reads. */
export function credentialsOf(home: string): Credentials {
  const text = readFileSync(join(home, 'credentials'), 'utf8');
  const value = (name: string): string => new RegExp(`${name} = (\\S+)`).exec(text)?.[1] ?? '';
  return { accessKeyId: value('aws_access_key_id'), secretAccessKey: value('aws_secret_access_key') };
}

/** An unmodified S3 client of a server. Nothing is retried: an answer counts the first time. */
export function s3Client(server: TestServer, more: S3ClientConfig = {}): S3Client {
  return new S3Client({ endpoint: server.endpoint, region: 'us-east-1', credentials: credentialsOf(server.home), maxAttempts: 1, ...more });
}

/** Asserts that a call is refused with this code and status. */
export async function refused(call: Promise<unknown>, code: string, status: number): Promise<S3ServiceException> {
  const error = await call.then(
    () => assert.fail(`${code} was expected`),
    (e: unknown) => e as S3ServiceException,
  );
  assert.ok(error instanceof S3ServiceException, String(error));
  assert.deepEqual([error.name, error.$metadata.httpStatusCode], [code, status], error.message);
  return error;
}
