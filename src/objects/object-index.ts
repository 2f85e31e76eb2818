import type { Happening } from './events/happening.ts';
import type { Bucket, BucketSettings, ObjectContent, ObjectVersion, Upload, UploadedPart } from './model.ts';

/** What is known of a key before it is written; null: nothing, or a delete marker. Throws HearthError to refuse the write. */
export type Precondition = (present: ObjectVersion | null) => void;

export interface PutObject {
  readonly bucket: string;
  readonly key: string;
  readonly content: ObjectContent;
  readonly precondition: Precondition;
  /** The id of a new version, should the bucket be versioned. */
  readonly versionId: string;
  /** What to say of it in events: `Put`, `Post`, `Copy`, `CompleteMultipartUpload`. */
  readonly how: CreatedHow;
  readonly cause: Cause;
  /** The multipart upload this completes, which is gone afterwards. */
  readonly upload?: string;
}

export type CreatedHow = 'Put' | 'Post' | 'Copy' | 'CompleteMultipartUpload';

/** Whose request it was, for events. */
export interface Cause {
  readonly requestId: string;
  readonly sourceIp: string;
  readonly principal: string;
  /** Chain of events that the request is part of; '' when it starts one. */
  readonly lineage: string;
  readonly traceId: string;
}

export interface RemoveObject {
  readonly bucket: string;
  readonly key: string;
  /** A version to remove for good; null: what a plain delete does. */
  readonly versionId: string | null;
  readonly precondition: Precondition;
  /** The id of the delete marker, should the bucket be versioned. */
  readonly markerId: string;
  readonly cause: Cause;
}

export interface Removed {
  /** Id of the version that was removed or of the marker that was made; null in a bucket without versions. */
  readonly versionId: string | null;
  readonly deleteMarker: boolean;
}

/** A stretch of a bucket's keys, in the order of their UTF-8 bytes. */
export interface Stretch {
  readonly bucket: string;
  readonly prefix: string;
  /** Only keys after this one; or, with `inclusive`, from it on. */
  readonly after: string;
  readonly inclusive: boolean;
  readonly limit: number;
}

/** An object as lists show it. */
export interface ListedObject {
  readonly key: string;
  readonly versionId: string;
  readonly latest: boolean;
  readonly deleteMarker: boolean;
  readonly size: number;
  readonly etag: string;
  readonly modifiedAtMs: number;
  readonly storageClass: string;
  readonly checksum: ObjectContent['checksum'];
  readonly sequence: string;
}

/** What is done to blobs once a change is committed: `freed` are referred to no more. */
export interface Freed {
  readonly freed: readonly string[];
}

/**
 * Names, versions and settings of everything in the store. Every change is one transaction, durable when it resolves, with its sequence number
 * and the deliveries of its events. Rejects with HearthError: NoSuchBucket, NoSuchUpload and so on; ServiceUnavailable when the database is away,
 * and then it may not be known whether the change was made.
 */
export interface ObjectIndex {
  buckets(): Promise<Bucket[]>;
  /** Throws NoSuchBucket. */
  bucket(name: string): Promise<Bucket>;
  /** False when it is there already. */
  createBucket(name: string, settings: BucketSettings): Promise<boolean>;
  /** Throws NoSuchBucket, BucketNotEmpty. Uploads under way are dropped with it. */
  removeBucket(name: string): Promise<Freed>;
  configureBucket(name: string, change: (present: BucketSettings) => BucketSettings): Promise<void>;

  put(put: PutObject): Promise<Freed & { readonly version: ObjectVersion }>;
  /** All of them or none. */
  remove(removals: readonly RemoveObject[]): Promise<Freed & { readonly removed: readonly Removed[] }>;
  /** A version, or the latest (`versionId` null); null when there is none. Delete markers are found too. */
  find(bucket: string, key: string, versionId: string | null): Promise<ObjectVersion | null>;
  /** Replaces the tags of a version. Throws NoSuchKey, NoSuchVersion. */
  tag(version: ObjectVersion, tags: Readonly<Record<string, string>>, cause: Cause): Promise<void>;
  /** Latest versions, without delete markers. */
  list(stretch: Stretch): Promise<ListedObject[]>;
  /** All versions, newest first of each key; from the one of key `after` whose sequence is below `below`. */
  listVersions(stretch: Stretch, below: string | null): Promise<ListedObject[]>;

  createUpload(upload: Upload): Promise<void>;
  /** Throws NoSuchUpload. */
  upload(bucket: string, key: string, id: string): Promise<Upload>;
  /** Uploads of a bucket by key and id, after the given ones. */
  uploads(stretch: Stretch, afterId: string): Promise<Upload[]>;
  /** Throws NoSuchUpload. What the part replaced is freed. */
  putPart(uploadId: string, part: UploadedPart): Promise<Freed>;
  parts(uploadId: string, after: number, limit: number): Promise<UploadedPart[]>;
  removeUpload(bucket: string, key: string, id: string): Promise<Freed>;

  /** Those of the blobs that something refers to. */
  referenced(blobs: readonly string[]): Promise<ReadonlySet<string>>;
}

/** Turns what happened into deliveries, within the transaction that makes it happen. */
export type Announce<Delivery> = (happening: Happening) => readonly Delivery[];
