import { HearthError } from '../../errors.ts';
import type { ObjectMeta, ObjectVersion } from '../model.ts';
import { header, type S3Request } from './request.ts';

const KEPT = ['content-type', 'cache-control', 'content-disposition', 'content-encoding', 'content-language', 'expires'] as const;
const USER_BYTES = 2 * 1024;
const CLASSES = new Set([
  'STANDARD',
  'REDUCED_REDUNDANCY',
  'STANDARD_IA',
  'ONEZONE_IA',
  'INTELLIGENT_TIERING',
  'GLACIER',
  'GLACIER_IR',
  'DEEP_ARCHIVE',
  'EXPRESS_ONEZONE',
]);

/** Headers that ask for what is not here. An upload that wants its content encrypted must not be told that it was. */
const REFUSED = [
  'x-amz-server-side-encryption-customer-algorithm',
  'x-amz-server-side-encryption-aws-kms-key-id',
  'x-amz-object-lock-mode',
  'x-amz-object-lock-retain-until-date',
  'x-amz-object-lock-legal-hold',
  'x-amz-website-redirect-location',
];

/** Whether HTTP can carry a text as a header's value: bytes, none of which controls anything. */
export function isHeaderValue(text: string): boolean {
  return /^[\t\u0020-\u007e\u0080-\u00ff]*$/.test(text);
}

/** Whether a text can be a header's name. */
export function isHeaderName(text: string): boolean {
  return /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(text);
}

/** Metadata that came in a form or a query, which know every character: as headers have it, what is beyond ASCII in the way of RFC 2047, as on S3. Throws InvalidArgument. */
export function formMeta(user: ReadonlyMap<string, string>): Record<string, string> {
  const encoded = (text: string): string =>
    /^[\u0020-\u007e]*$/.test(text) ? text : `=?UTF-8?B?${Buffer.from(text).toString('base64')}?=`;
  const unfit = [...user.keys()].find((name) => !isHeaderName(name));
  if (unfit !== undefined)
    throw new HearthError('InvalidArgument', 'A name of metadata has characters that no header has.', { details: { ArgumentName: unfit } });
  return Object.fromEntries([...user].map(([name, text]) => [name, encoded(text)]));
}

/** What of an upload's headers stays with its object. Throws MetadataTooLarge, NotImplemented, InvalidStorageClass. */
export function metaOf(r: S3Request): ObjectMeta {
  refuseUnserved((name) => header(r, name), Object.keys(r.signed.headers));
  return metaFrom((name) => header(r, name), userHeaders(r));
}

/** What an upload says by the name of a header, in one or in a field of a form. */
type Said = (name: string) => string | undefined;

export function metaFrom(value: Said, user: Readonly<Record<string, string>>): ObjectMeta {
  const headers: Record<string, string> = {};
  for (const name of KEPT) {
    const text = value(name);
    if (text !== undefined && !isHeaderValue(text))
      throw new HearthError('InvalidArgument', 'Header value cannot be represented.', { details: { ArgumentName: name } });
    if (text !== undefined) headers[name] = text;
  }
  const encoding = withoutChunked(headers['content-encoding']);
  if (encoding === undefined) delete headers['content-encoding'];
  else headers['content-encoding'] = encoding;
  headers['content-type'] ??= 'binary/octet-stream';
  const bytes = Object.entries(user).reduce((sum, [n, v]) => sum + Buffer.byteLength(n) + Buffer.byteLength(v), 0);
  if (bytes > USER_BYTES) {
    const details = { Size: bytes, MaxSizeAllowed: USER_BYTES };
    throw new HearthError('MetadataTooLarge', 'Your metadata headers exceed the maximum allowed metadata size', { details });
  }
  const storageClass = value('x-amz-storage-class') ?? 'STANDARD';
  if (!CLASSES.has(storageClass)) throw new HearthError('InvalidStorageClass', 'The storage class you specified is not valid');
  return { headers, user, storageClass };
}

function userHeaders(r: S3Request): Record<string, string> {
  const named = Object.keys(r.signed.headers).filter((name) => name.startsWith('x-amz-meta-'));
  return Object.fromEntries(named.map((name) => [name.slice('x-amz-meta-'.length), r.signed.headers[name]?.join(',') ?? '']));
}

/** Refuses an upload that asks for what is not here. `names`: of all that it says. Throws NotImplemented, AccessControlListNotSupported. */
export function refuseUnserved(value: Said, names: readonly string[]): void {
  const asked = REFUSED.find((name) => value(name) !== undefined);
  const encryption = value('x-amz-server-side-encryption');
  if (asked === undefined && (encryption === undefined || encryption === 'AES256')) return refuseGrants(value('x-amz-acl'), names);
  throw new HearthError('NotImplemented', 'A header you provided implies functionality that is not implemented.', {
    details: { Header: asked ?? 'x-amz-server-side-encryption' },
  });
}

/** Buckets here have no access control lists, as S3's have none by default. */
export function refuseAcl(r: S3Request): void {
  refuseGrants(header(r, 'x-amz-acl'), Object.keys(r.signed.headers));
}

function refuseGrants(acl: string | undefined, names: readonly string[]): void {
  const grants = names.some((name) => name.startsWith('x-amz-grant-'));
  if (!grants && (acl === undefined || acl === 'private' || acl === 'bucket-owner-full-control')) return;
  throw new HearthError('AccessControlListNotSupported', 'The bucket does not allow ACLs');
}

/** `aws-chunked` is how the body came, not what the object is. */
function withoutChunked(encoding: string | undefined): string | undefined {
  const left = encoding
    ?.split(',')
    .map((e) => e.trim())
    .filter((e) => e !== 'aws-chunked' && e !== '');
  return left === undefined || left.length === 0 ? undefined : left.join(',');
}

/** Parses `x-amz-tagging: a=b&c=d`. Throws InvalidArgument, InvalidTag. */
export function taggingHeader(text: string | undefined): Record<string, string> {
  if (text === undefined) return {};
  const pairs = [...new URLSearchParams(text)];
  const tags = Object.fromEntries(pairs);
  if (Object.keys(tags).length !== pairs.length)
    throw new HearthError(
      'InvalidArgument',
      'The header x-amz-tagging shall be encoded as UTF-8 then URLEncoded URL query parameters without tag name duplicates.',
      { details: { ArgumentName: 'x-amz-tagging', ArgumentValue: text } },
    );
  checkTags(tags, 10);
  return tags;
}

/** Throws BadRequest for too many tags, InvalidTag for one that S3 would not take. */
export function checkTags(tags: Readonly<Record<string, string>>, most: number): void {
  if (Object.keys(tags).length > most) {
    throw new HearthError(
      'BadRequest',
      most === 10 ? 'Object tags cannot be greater than 10' : `Bucket tags cannot be greater than ${most}`,
    );
  }
  for (const [key, value] of Object.entries(tags)) {
    if (key.length < 1 || key.length > 128 || key.startsWith('aws:'))
      throw new HearthError('InvalidTag', 'The TagKey you have provided is invalid', { details: { TagKey: key } });
    if (value.length > 256)
      throw new HearthError('InvalidTag', 'The TagValue you have provided is invalid', { details: { TagKey: key, TagValue: value } });
  }
}

/** What a write says of the version that it made: S3 does not name the one called null, which is all there is where nothing is versioned. */
export function madeVersion({ versionId }: Pick<ObjectVersion, 'versionId'>): string | undefined {
  return versionId === 'null' ? undefined : versionId;
}

/** The headers of a version that is read. `checksum`: the caller asked for it. */
export function objectHeaders(v: ObjectVersion, o: { versioned: boolean; checksum: boolean }): Record<string, string | number | undefined> {
  const all: Record<string, string | number | undefined> = {
    'last-modified': new Date(v.modifiedAtMs).toUTCString(),
    etag: `"${v.etag}"`,
    'accept-ranges': 'bytes',
    ...v.meta.headers,
    'x-amz-version-id': o.versioned ? v.versionId : undefined,
    'x-amz-storage-class': v.meta.storageClass === 'STANDARD' ? undefined : v.meta.storageClass,
    'x-amz-tagging-count': Object.keys(v.tags).length || undefined,
  };
  for (const [name, value] of Object.entries(v.meta.user)) all[`x-amz-meta-${name}`] = value;
  return o.checksum ? { ...all, ...checksumHeaders(v.checksum) } : all;
}

export function checksumHeaders(checksum: ObjectVersion['checksum']): Record<string, string> {
  if (checksum === null) return {};
  return { [`x-amz-checksum-${checksum.algorithm.toLowerCase()}`]: checksum.value, 'x-amz-checksum-type': checksum.type };
}

/** A checksum as documents have it. */
export function checksumElements(checksum: ObjectVersion['checksum']): Record<string, string> {
  return checksum === null ? {} : { [`Checksum${checksum.algorithm}`]: checksum.value, ChecksumType: checksum.type };
}
