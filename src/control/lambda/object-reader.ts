/** Reads objects of the S3-compatible store, for code that is given as `S3Bucket` and `S3Key`. */
export interface ObjectReader {
  /**
   * The object's bytes. Throws HearthError InvalidParameterValueException in Lambda's words when there is no such bucket, key or version, and
   * RequestTooLargeException when it has more than `maxBytes`.
   */
  read(object: {
    readonly bucket: string;
    readonly key: string;
    readonly version: string | null;
    readonly maxBytes: number;
  }): Promise<Buffer>;
}
