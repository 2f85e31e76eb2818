import { mkdirSync, realpathSync } from 'node:fs';
import { HearthError } from '../errors.ts';
import { NEW_BUCKET } from '../objects/model.ts';
import type { ObjectStore } from '../objects/object-store.ts';
import { checkBucketName } from '../objects/s3/names.ts';
import { checkKey } from '../objects/s3/request.ts';
import { WatchedFolder, type FileState, type FolderBucket } from '../triggers/objects/watched-folder.ts';
import type { Base } from './base.ts';

/** Metadata that tells of which state of its file an object is. */
const MODIFIED = 'hearth-file-modified';

/** The folders that the configuration says are buckets. Throws ValidationException for a name that is none. */
export function watchFolders({ config, clock, log, ids, closing }: Base, store: ObjectStore): void {
  for (const { bucket, folder } of config.watch) {
    try {
      checkBucketName(bucket);
    } catch (error) {
      throw new HearthError('ValidationException', `watch: ${(error as Error).message}`, { cause: error });
    }
    mkdirSync(folder, { recursive: true });
    // Links in the folder are not followed; one that leads to it is.
    const watched = new WatchedFolder({ folder: realpathSync(folder), bucket: folderBucket(store, bucket, () => ids.uuid()), clock, log });
    closing.add('watched folders', () => watched.close());
  }
}

function folderBucket(store: ObjectStore, bucket: string, newId: () => string): FolderBucket {
  const cause = () => ({ requestId: newId(), sourceIp: '127.0.0.1', principal: 'folder', lineage: '', traceId: '' });
  const anything = (): void => undefined;
  return {
    async ensure() {
      if (!store.has(bucket)) await store.createBucket(bucket, NEW_BUCKET);
    },
    async known(key): Promise<FileState | null> {
      const found = await store.index.find(bucket, checkKey(key), null);
      const modified = found?.meta.user[MODIFIED];
      return found === null || modified === undefined ? null : { size: found.size, modifiedMs: Number(modified) };
    },
    async put(key, chunks, { size, modifiedMs }) {
      const meta = {
        headers: { 'content-type': 'binary/octet-stream' },
        user: { [MODIFIED]: String(modifiedMs) },
        storageClass: 'STANDARD',
      };
      const expected = { md5: null, algorithm: 'CRC64NVME' as const, checksum: null, minBytes: 0, maxBytes: Number.MAX_SAFE_INTEGER };
      const to = { bucket, key, meta, tags: {}, precondition: anything, how: 'Put' as const, cause: cause() };
      await store.put({ chunks, length: size, trailers: new Map() }, expected, to);
    },
    async remove(key) {
      await store.remove([{ bucket, key, versionId: null, precondition: anything, cause: cause() }]);
    },
  };
}
