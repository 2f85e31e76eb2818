import { S3Client, type S3ClientConfig, S3ServiceException } from '@aws-sdk/client-s3';
import assert from 'node:assert/strict';
import type { TestServer } from './platform-server.ts';
import { clientOptions } from './server-credentials.ts';

/** An unmodified S3 client of a server. Nothing is retried: an answer counts the first time. */
export function s3Client(server: TestServer, more: S3ClientConfig = {}): S3Client {
  return new S3Client({ ...clientOptions(server), ...more });
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
