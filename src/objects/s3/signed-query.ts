import { formMeta } from './headers.ts';
import type { S3Request } from './request.ts';

const META = 'x-amz-meta-';

/** Parameters of the signature itself. */
const OF_SIGNATURE = /^x-amz-(algorithm|credential|date|expires|signedheaders|signature|security-token|content-sha256)$/;

/** Checksums of content, which the SDK signs before there is any: in a URL they are those of nothing. S3 takes them from headers only. */
const OF_CONTENT = /^x-amz-checksum-(crc32|crc32c|crc64nvme|sha1|sha256)$/;

/**
 * A request by a URL that was presigned (Signature Version 4) and found right, with the `x-amz-` parameters of that URL among its headers: presigners
 * move them there, since whoever uses a URL sends no headers. A header that is sent too is the one that counts. Throws InvalidArgument for metadata
 * whose name no header could have.
 */
export function withSignedQuery(r: S3Request): S3Request {
  const headers = { ...r.signed.headers };
  const meta = new Map<string, string>();
  for (const [given, value] of r.query) {
    const name = given.toLowerCase();
    if (!name.startsWith('x-amz-') || name in headers || OF_SIGNATURE.test(name) || OF_CONTENT.test(name)) continue;
    if (name.startsWith(META)) meta.set(name.slice(META.length), value);
    else headers[name] = [value];
  }
  for (const [name, value] of Object.entries(formMeta(meta))) headers[`${META}${name}`] = [value];
  return { ...r, signed: { ...r.signed, headers } };
}
