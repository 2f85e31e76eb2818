import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ANYBODY } from '../../auth/authority.ts';
import { takeCode } from './code.ts';
import type { LambdaDeps } from './operation.ts';

test('a zip in a bucket may have what code may have unpacked, and never less than on Lambda', async () => {
  const asked: number[] = [];
  const take = async (unpackedBytes: number): Promise<void> => {
    const deps = {
      limits: { unpackedBytes },
      objects: { read: async ({ maxBytes }: { maxBytes: number }) => (asked.push(maxBytes), Buffer.alloc(0)) },
      artifacts: { putCode: async () => ({ sha256: '', bytes: 0 }) },
    } as unknown as LambdaDeps;
    await takeCode({ input: { S3Bucket: 'b', S3Key: 'k' }, caller: ANYBODY }, deps);
  };
  for (const unpackedBytes of [1_000, 262_144_000, 4_000_000_000]) await take(unpackedBytes);
  assert.deepEqual(asked, [262_144_000, 262_144_000, 4_000_000_000]);
});
