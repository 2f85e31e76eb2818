import type { Bucket } from '../model.ts';
import type { Cause } from '../object-index.ts';

/** Something that happened to an object, within the transaction that made it so. */
export interface Happening {
  /** Without `s3:`, as in events: `ObjectCreated:Put`. */
  readonly name: string;
  readonly bucket: Bucket;
  readonly key: string;
  readonly size: number;
  /** '' for what was removed. */
  readonly etag: string;
  /** null in a bucket that was never versioned. */
  readonly versionId: string | null;
  /** Increases with every change of any object. */
  readonly sequence: string;
  readonly atMs: number;
  readonly cause: Cause;
}

/** S3's form of a sequence number: compared as text, of equal length, it increases. */
export function sequencer(sequence: string): string {
  return BigInt(sequence).toString(16).toUpperCase().padStart(18, '0');
}
