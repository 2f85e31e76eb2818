import type { BucketNotification } from './events/notification.ts';

/** One rule of a bucket's CORS configuration. */
export interface CorsRule {
  readonly id?: string;
  readonly origins: readonly string[];
  readonly methods: readonly string[];
  readonly headers: readonly string[];
  readonly exposeHeaders: readonly string[];
  readonly maxAgeSeconds?: number;
}

/** All of a bucket that can be configured. */
export interface BucketSettings {
  /** null: never versioned. */
  readonly versioning: 'Enabled' | 'Suspended' | null;
  readonly cors: readonly CorsRule[];
  readonly notification: BucketNotification;
  readonly tags: Readonly<Record<string, string>>;
}

export const NEW_BUCKET: BucketSettings = {
  versioning: null,
  cors: [],
  notification: { targets: [], eventBridge: false },
  tags: {},
};

export interface Bucket {
  readonly name: string;
  readonly createdAtMs: number;
  readonly settings: BucketSettings;
}

export const CHECKSUM_ALGORITHMS = ['CRC32', 'CRC32C', 'CRC64NVME', 'SHA1', 'SHA256'] as const;
export type ChecksumAlgorithm = (typeof CHECKSUM_ALGORITHMS)[number];

/** A checksum in base64; one of parts' checksums (`COMPOSITE`) ends in `-N`. */
export interface Checksum {
  readonly algorithm: ChecksumAlgorithm;
  readonly value: string;
  readonly type: 'FULL_OBJECT' | 'COMPOSITE';
}

/** Headers of an object that travel with it. */
export interface ObjectMeta {
  /** By S3's header name in lower case: content-type, cache-control, content-disposition, content-encoding, content-language, expires. */
  readonly headers: Readonly<Record<string, string>>;
  /** `x-amz-meta-…`, without the prefix. */
  readonly user: Readonly<Record<string, string>>;
  readonly storageClass: string;
}

/** A piece of an object's content. */
export interface ObjectPart {
  /** 1 to 10,000. */
  readonly number: number;
  readonly blob: string;
  readonly size: number;
  /** MD5 in hex. */
  readonly md5: string;
  /** Base64, or null. */
  readonly checksum: string | null;
}

/** All that a write gives an object. */
export interface ObjectContent {
  readonly size: number;
  /** MD5 in hex; of several parts, the MD5 of their MD5s and `-N`. */
  readonly etag: string;
  readonly meta: ObjectMeta;
  readonly tags: Readonly<Record<string, string>>;
  readonly checksum: Checksum | null;
  readonly parts: readonly ObjectPart[];
  /** Whether it was uploaded in parts. */
  readonly multipart: boolean;
}

/** An object, or the mark that it was deleted, as it is in the index. */
export interface ObjectVersion extends ObjectContent {
  readonly bucket: string;
  readonly key: string;
  /** `null` in text for what was written while the bucket was not versioned. */
  readonly versionId: string;
  readonly latest: boolean;
  readonly deleteMarker: boolean;
  readonly modifiedAtMs: number;
  /** Increases with every change of any object. */
  readonly sequence: string;
}

/** A multipart upload under way. */
export interface Upload {
  readonly id: string;
  readonly bucket: string;
  readonly key: string;
  readonly initiatedAtMs: number;
  readonly meta: ObjectMeta;
  readonly tags: Readonly<Record<string, string>>;
  readonly checksum: { readonly algorithm: ChecksumAlgorithm; readonly type: Checksum['type'] } | null;
}

export interface UploadedPart extends ObjectPart {
  readonly modifiedAtMs: number;
}
