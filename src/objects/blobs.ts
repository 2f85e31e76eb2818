/** A blob that is being written. Exactly one of `keep` and `discard` ends it. */
export interface BlobWriter {
  readonly id: string;
  /** Resolves when more may be given: keeps memory constant. Rejects with HearthError StorageFull when the disk is full. */
  write(chunk: Buffer): Promise<void>;
  /** Makes all that was written durable, its name included; afterwards it can be read. Rejects as `write` does. */
  finish(): Promise<void>;
  /** Says that the metadata refers to it now (or that it is not known whether it does): a sweep may judge it. */
  keep(): void;
  /** Removes it. Idempotent, and a no-op after `keep`. */
  discard(): Promise<void>;
}

/** Blobs that stay readable until they are released, whoever removes them meanwhile. */
export interface BlobHold {
  /** Bytes `start` to `end` (both included) of a held blob. Throws BlobGone when it was removed before it was held. */
  read(id: string, start: number, end: number): AsyncIterable<Buffer>;
  release(): void;
}

/** Content of objects, without their names: a blob is written once, never changed, and has an id of its own. */
export interface Blobs {
  create(): Promise<BlobWriter>;
  /** A new blob with the content of another, without copying where the file system can. Ends as a writer does. Throws BlobGone. */
  duplicate(id: string): Promise<BlobWriter>;
  hold(ids: readonly string[]): BlobHold;
  /** Removes blobs; those that are held, when they are released. What can't be removed is left to the sweep. */
  remove(ids: readonly string[]): Promise<void>;
  /** Removes what `referenced` does not return, and nothing that is being written; returns how many. */
  sweep(referenced: (ids: readonly string[]) => Promise<ReadonlySet<string>>): Promise<number>;
}

/** A blob is not there (any more): its object was overwritten or removed between finding it and reading it. */
export class BlobGone extends Error {
  readonly blob: string;

  constructor(id: string) {
    super(`blob ${id} is gone`);
    this.name = 'BlobGone';
    this.blob = id;
  }
}
