import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BlobGone } from '../objects/blobs.ts';
import type { ObjectStore, OpenContent } from '../objects/object-store.ts';
import { objectReader } from './object-reader.ts';

test('code that is replaced between being found and being read is the new code', async () => {
  let stored = 'old';
  const store = {
    index: { find: async () => ({ size: 3, blob: stored }) },
    read: ({ blob }: { blob: string }): OpenContent => {
      async function* chunks(): AsyncGenerator<Buffer> {
        stored = 'new';
        if (blob !== stored) throw new BlobGone(blob);
        yield Buffer.from(stored);
      }
      return { chunks: chunks(), release: () => {} };
    },
  };
  const reader = objectReader(store as unknown as ObjectStore);
  assert.equal((await reader.read({ bucket: 'b', key: 'k', version: null, maxBytes: 10 })).toString(), 'new');
});
