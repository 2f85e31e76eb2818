import { createHash } from 'node:crypto';
import { HearthError } from '../errors.ts';
import type { Clock } from '../lib/clock.ts';
import type { Ids } from '../lib/ids.ts';
import { BlobGone, type Blobs, type BlobWriter } from './blobs.ts';
import { joinedChecksum, compositeChecksum } from './checksums.ts';
import type { BucketSettings, Checksum, ObjectContent, ObjectMeta, ObjectPart, ObjectVersion, Upload } from './model.ts';
import type { Cause, CreatedHow, Freed, ObjectIndex, Precondition, Removed, RemoveObject } from './object-index.ts';
import { receive, type Expected, type Incoming } from './receive.ts';

export interface ObjectStoreDeps {
  readonly blobs: Blobs;
  readonly index: ObjectIndex;
  readonly clock: Clock;
  readonly ids: Ids;
}

/** Where an object is to be, and on what terms. */
export interface Placing {
  readonly bucket: string;
  readonly key: string;
  readonly meta: ObjectMeta;
  readonly tags: Readonly<Record<string, string>>;
  readonly precondition: Precondition;
  readonly how: CreatedHow;
  readonly cause: Cause;
}

/** How an upload is completed. */
export interface Completing extends Pick<Placing, 'precondition' | 'how' | 'cause'> {
  /** Throws to refuse the checksum of the whole. */
  readonly verify: (checksum: Checksum | null) => void;
}

/** Content of a version, held until it is released. */
export interface OpenContent {
  readonly chunks: AsyncIterable<Buffer>;
  release(): void;
}

/**
 * Objects as a whole: content goes into blobs, everything else into the index, in the order that leaves no object without content. A blob is
 * durable before the index refers to it, and removed after the index has ceased to.
 */
export class ObjectStore {
  readonly #deps: ObjectStoreDeps;
  readonly #buckets = new Set<string>();
  readonly #making = new Map<string, Promise<boolean>>();

  private constructor(deps: ObjectStoreDeps) {
    this.#deps = deps;
  }

  static async open(deps: ObjectStoreDeps): Promise<ObjectStore> {
    const store = new ObjectStore(deps);
    for (const { name } of await deps.index.buckets()) store.#buckets.add(name);
    return store;
  }

  get index(): ObjectIndex {
    return this.#deps.index;
  }

  /** Whether there is a bucket of that name, without asking the database. */
  has(bucket: string): boolean {
    return this.#buckets.has(bucket);
  }

  /** False when the bucket is there already. */
  createBucket(name: string, settings: BucketSettings): Promise<boolean> {
    const making = this.#create(name, settings).finally(() => {
      if (this.#making.get(name) === making) this.#making.delete(name);
    });
    this.#making.set(name, making);
    return making;
  }

  /** Resolves when a bucket that is just being made is there, or is not: who asks for it next must find it. */
  async settled(bucket: string): Promise<void> {
    await this.#making.get(bucket)?.catch(() => undefined);
  }

  async removeBucket(name: string): Promise<void> {
    const { freed } = await this.index.removeBucket(name);
    this.#buckets.delete(name);
    await this.#deps.blobs.remove(freed);
  }

  /** Stores an object: all of it or nothing, durable when it resolves. */
  async put(incoming: Incoming, expected: Expected, to: Placing): Promise<ObjectVersion> {
    const { blob, size, md5, checksum } = await receive(this.#deps.blobs, incoming, expected);
    const part: ObjectPart = { number: 1, blob: blob.id, size, md5, checksum };
    const sum: Checksum = { algorithm: expected.algorithm, value: checksum, type: 'FULL_OBJECT' };
    const content = { size, etag: md5, checksum: sum, parts: [part], multipart: false };
    return this.#place([blob], content, to);
  }

  /** Gives an object the content of another version. Throws BlobGone when that was removed meanwhile. */
  async copy(from: ObjectVersion, checksum: Checksum | null, to: Placing): Promise<ObjectVersion> {
    const blobs: BlobWriter[] = [];
    const parts: ObjectPart[] = [];
    try {
      for (const part of from.parts) {
        const blob = await this.#deps.blobs.duplicate(part.blob);
        blobs.push(blob);
        await blob.finish();
        parts.push({ ...part, blob: blob.id });
      }
    } catch (error) {
      await discardAll(blobs);
      throw error;
    }
    const { size, etag, multipart } = from;
    return this.#place(blobs, { size, etag, checksum, parts, multipart }, to);
  }

  /** Removes objects, all of them or none. */
  async remove(removals: readonly Omit<RemoveObject, 'markerId'>[]): Promise<readonly Removed[]> {
    const { removed, freed } = await this.index.remove(removals.map((r) => ({ ...r, markerId: this.newVersionId() })));
    await this.#deps.blobs.remove(freed);
    return removed;
  }

  /** Stores one part of an upload, with its checksum of the upload's algorithm, whatever other one it was checked by. */
  async putPart(upload: Upload, number: number, incoming: Incoming, expected: Expected): Promise<ObjectPart> {
    const keep = (upload.checksum ?? DEFAULT_CHECKSUM).algorithm;
    const { blob, size, md5, checksum } = await receive(this.#deps.blobs, incoming, expected, keep);
    const part = { number, blob: blob.id, size, md5, checksum };
    await this.#commit([blob], () => this.index.putPart(upload.id, { ...part, modifiedAtMs: this.#deps.clock.now() }));
    return part;
  }

  /** Makes an object of the given parts of an upload, and ends it. */
  async complete(upload: Upload, parts: readonly ObjectPart[], to: Completing): Promise<ObjectVersion> {
    const { bucket, key, meta, tags } = upload;
    const checksum = await checksumOf(upload, parts);
    to.verify(checksum);
    const etag = multipartEtag(parts.map((p) => p.md5));
    const size = parts.reduce((sum, p) => sum + p.size, 0);
    const content = { size, etag, checksum, parts, multipart: true };
    return this.#place([], content, { ...to, bucket, key, meta, tags }, upload.id);
  }

  async abort(upload: Upload): Promise<void> {
    const { freed } = await this.index.removeUpload(upload.bucket, upload.key, upload.id);
    await this.#deps.blobs.remove(freed);
  }

  /** Bytes `start` to `end` (both included) of a version, which stay readable until they are released. Chunks may throw BlobGone at their first. */
  read(version: ObjectVersion, start: number, end: number): OpenContent {
    const pieces: { blob: string; from: number; to: number }[] = [];
    let at = 0;
    for (const part of version.parts) {
      const [from, to] = [Math.max(start - at, 0), Math.min(end - at, part.size - 1)];
      if (from <= to) pieces.push({ blob: part.blob, from, to });
      at += part.size;
    }
    const hold = this.#deps.blobs.hold(pieces.map((p) => p.blob));
    async function* chunks(): AsyncGenerator<Buffer> {
      for (const piece of pieces) yield* hold.read(piece.blob, piece.from, piece.to);
    }
    return { chunks: chunks(), release: () => hold.release() };
  }

  /** Removes blobs that a kill, or a commit whose answer was lost, left without an object; returns how many. */
  sweep(): Promise<number> {
    return this.#deps.blobs.sweep((ids) => this.index.referenced(ids));
  }

  newVersionId(): string {
    return this.#deps.ids.uuid().replaceAll('-', '');
  }

  async #create(name: string, settings: BucketSettings): Promise<boolean> {
    const created = await this.index.createBucket(name, settings);
    this.#buckets.add(name);
    return created;
  }

  async #place(
    blobs: readonly BlobWriter[],
    content: Omit<ObjectContent, 'meta' | 'tags'>,
    to: Placing,
    upload?: string,
  ): Promise<ObjectVersion> {
    const { bucket, key, precondition, how, cause, meta, tags } = to;
    const put = { bucket, key, precondition, how, cause, content: { ...content, meta, tags }, versionId: this.newVersionId() };
    const { version } = await this.#commit(blobs, () => this.index.put(upload === undefined ? put : { ...put, upload }));
    return version;
  }

  /** Refers to blobs, and frees what that replaced. What was refused is removed; what may have been committed all the same is left to the sweep. */
  async #commit<T extends Freed>(blobs: readonly BlobWriter[], change: () => Promise<T>): Promise<T> {
    let done: T;
    try {
      done = await change();
    } catch (error) {
      if (error instanceof HearthError && error.fault === 'caller') await discardAll(blobs);
      for (const blob of blobs) blob.keep();
      throw error;
    }
    for (const blob of blobs) blob.keep();
    await this.#deps.blobs.remove(done.freed);
    return done;
  }
}

/** Tries: an object that is replaced all the time is found in the end, in practice by the second. */
const TRIES = 5;

/**
 * Runs `work`, which finds an object and opens or copies its content. The object may be replaced between the two: then it is run again and finds the
 * new one. Throws BlobGone when that happens every time, InternalError when what it finds again has lost its content (half of a backup was put back, the
 * disk was repaired), and whatever else `work` throws at once.
 */
export async function findingAgain<T>(work: () => Promise<T>): Promise<T> {
  let before: string | null = null;
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof BlobGone)) throw error;
      // No two objects ever have the same blob: it was found after its content was seen to be gone.
      if (error.blob === before) throw lostContent(error);
      if (attempt === TRIES) throw error;
      before = error.blob;
    }
  }
}

/** Not to be tried again, as what is only replaced is. */
function lostContent(cause: BlobGone): HearthError {
  const message = `The content of this object is lost: its file ${cause.blob} is not in the home's folder "objects". Put back a backup of that folder, or store the object again.`;
  return new HearthError('InternalError', message, { cause });
}

/** The ETag of an object of several parts, by their MD5s in hex. */
export function multipartEtag(md5s: readonly string[]): string {
  const hash = createHash('md5').update(Buffer.concat(md5s.map((md5) => Buffer.from(md5, 'hex'))));
  return `${hash.digest('hex')}-${md5s.length}`;
}

async function discardAll(blobs: readonly BlobWriter[]): Promise<void> {
  for (const blob of blobs) await blob.discard();
}

async function checksumOf(upload: Upload, parts: readonly ObjectPart[]): Promise<Checksum | null> {
  const { algorithm, type } = upload.checksum ?? DEFAULT_CHECKSUM;
  const sums = parts.map((p) => ({ checksum: p.checksum ?? '', size: p.size }));
  if (type === 'FULL_OBJECT') {
    const value = joinedChecksum(algorithm, sums);
    return value === null ? null : { algorithm, type, value };
  }
  return {
    algorithm,
    type,
    value: await compositeChecksum(
      algorithm,
      sums.map((s) => s.checksum),
    ),
  };
}

/** What S3 computes when a client asks for nothing. */
export const DEFAULT_CHECKSUM = { algorithm: 'CRC64NVME', type: 'FULL_OBJECT' } as const;
