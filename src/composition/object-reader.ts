import type { ObjectReader } from '../control/lambda/object-reader.ts';
import { HearthError } from '../errors.ts';
import { findingAgain, type ObjectStore } from '../objects/object-store.ts';

/** Code of functions and layers out of the object store. */
export function objectReader(store: ObjectStore): ObjectReader {
  return {
    read: (from) => findingAgain(() => contentOf(store, from)),
  };
}

async function contentOf(store: ObjectStore, { bucket, key, version, maxBytes }: Parameters<ObjectReader['read']>[0]): Promise<Buffer> {
  const found = await store.index.find(bucket, key, version).catch((error: unknown) => {
    if (error instanceof HearthError && error.fault === 'caller') return null;
    throw error;
  });
  if (found === null || found.deleteMarker) throw missing(store.has(bucket) ? 'NoSuchKey' : 'NoSuchBucket');
  if (found.size > maxBytes)
    throw new HearthError('InvalidParameterValueException', `Unzipped size must be smaller than ${maxBytes} bytes`);
  if (found.size === 0) return Buffer.alloc(0);
  const content = store.read(found, 0, found.size - 1);
  try {
    const chunks: Buffer[] = [];
    for await (const chunk of content.chunks) chunks.push(chunk);
    return Buffer.concat(chunks);
  } finally {
    content.release();
  }
}

/** In Lambda's words, S3's code and message within. */
function missing(code: 'NoSuchKey' | 'NoSuchBucket'): HearthError {
  const what = code === 'NoSuchKey' ? 'The specified key does not exist.' : 'The specified bucket does not exist';
  return new HearthError(
    'InvalidParameterValueException',
    `Error occurred while GetObject. S3 Error Code: ${code}. S3 Error Message: ${what}`,
  );
}
