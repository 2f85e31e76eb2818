import assert from 'node:assert/strict';
import type { ErrorCode } from '../../errors.ts';
import { timeOf } from '../claim.ts';
import { listedKeys } from '../keys.ts';
import type { SignedRequest } from '../sigv4.ts';
import { verifySignature } from '../verify.ts';

/** For tests: the key, the time and a request of the examples in AWS's own documentation of Signature Version 4 for S3. */
export const KEY = { id: 'AKIAIOSFODNN7EXAMPLE', secret: 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY' };
export const NOW = timeOf('20130524T000000Z');
export const CREDENTIAL = `${KEY.id}/20130524/us-east-1/s3/aws4_request`;
export const keys = listedKeys([KEY]);
export const EMPTY = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855';

export const verify = (request: SignedRequest, nowMs = NOW) => verifySignature(request, { keys, service: 's3', nowMs });
export const refusal = (work: Promise<unknown>, code: ErrorCode) => assert.rejects(work, { name: code });

export function getObject(more: { range?: string; signature?: string; extra?: Record<string, string[]> } = {}): SignedRequest {
  const signature = more.signature ?? 'f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41';
  return {
    method: 'GET',
    url: '/test.txt',
    headers: {
      host: ['examplebucket.s3.amazonaws.com'],
      range: [more.range ?? 'bytes=0-9'],
      'x-amz-content-sha256': [EMPTY],
      'x-amz-date': ['20130524T000000Z'],
      authorization: [
        `AWS4-HMAC-SHA256 Credential=${CREDENTIAL},SignedHeaders=host;range;x-amz-content-sha256;x-amz-date,Signature=${signature}`,
      ],
      ...more.extra,
    },
  };
}
