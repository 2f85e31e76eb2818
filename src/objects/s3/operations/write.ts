import { HearthError } from '../../../errors.ts';
import type { ObjectMeta, ObjectVersion } from '../../model.ts';
import { findingAgain } from '../../object-store.ts';
import { percentDecode } from '../../../auth/sigv4.ts';
import { expectedOf, incoming, MAX_PUT_BYTES, requestedAlgorithm } from '../body.ts';
import { copyCondition, writeCondition } from '../conditions.ts';
import { checksumElements, checksumHeaders, madeVersion, metaOf, taggingHeader } from '../headers.ts';
import { isoTime, type Operation, type S3Deps } from '../operation.ts';
import { permit, versioned } from '../permissions.ts';
import { bucketOf, causeOf, checkKey, header, keyOf, type S3Request } from '../request.ts';
import { xmlDocument } from '../xml.ts';
import { noSuchVersion } from './read.ts';

export const putObject: Operation = async (r, d) => {
  const [bucket, key] = [bucketOf(r), keyOf(r)];
  const [meta, tags] = [metaOf(r), taggingHeader(header(r, 'x-amz-tagging'))];
  const expected = expectedOf(r);
  const body = incoming(r);
  if (body.length === null) throw new HearthError('MissingContentLength', 'You must provide the Content-Length HTTP header.');
  await d.store.index.bucket(bucket); // throws NoSuchBucket // not after 5 GB were read
  const precondition = writeCondition(r);
  const version = await d.store.put(body, expected, { bucket, key, meta, tags, precondition, how: 'Put', cause: causeOf(r) });
  return {
    status: 200,
    headers: {
      etag: `"${version.etag}"`,
      ...checksumHeaders(version.checksum),
      'x-amz-version-id': madeVersion(version),
    },
  };
};

export const copyObject: Operation = (r, d) => findingAgain(() => copy(r, d));

const copy: Operation = async (r, d) => {
  const [bucket, key] = [bucketOf(r), keyOf(r)];
  const source = await copySource(r, d);
  if (source.size > MAX_PUT_BYTES)
    throw new HearthError(
      'InvalidRequest',
      `The specified copy source is larger than the maximum allowable size for a copy source: ${MAX_PUT_BYTES}`,
    );
  const replace = directive(r, 'x-amz-metadata-directive');
  if (source.bucket === bucket && source.key === key && source.latest && !replace && header(r, 'x-amz-storage-class') === undefined) {
    throw new HearthError(
      'InvalidRequest',
      "This copy request is illegal because it is trying to copy an object to itself without changing the object's metadata, storage class, website redirect location or encryption attributes.",
    );
  }
  const given = metaOf(r);
  const meta: ObjectMeta = replace ? given : { ...source.meta, storageClass: given.storageClass };
  const tags = directive(r, 'x-amz-tagging-directive') ? taggingHeader(header(r, 'x-amz-tagging')) : copiedTags(r, source);
  await d.store.index.bucket(bucket); // throws NoSuchBucket
  const to = { bucket, key, meta, tags, precondition: writeCondition(r), how: 'Copy' as const, cause: causeOf(r) };
  const algorithm = requestedAlgorithm(r);
  const version =
    algorithm === null || algorithm === source.checksum?.algorithm
      ? await d.store.copy(source, source.checksum, to)
      : await rewritten(source, { ...to, algorithm }, d);
  const headers = {
    'x-amz-copy-source-version-id': madeVersion(source),
    'x-amz-version-id': madeVersion(version),
  };
  const body = xmlDocument('CopyObjectResult', {
    ETag: `"${version.etag}"`,
    LastModified: isoTime(version.modifiedAtMs),
    ...checksumElements(version.checksum),
  });
  return { status: 200, headers, body };
};

/** A copy whose content is read, since another checksum is asked for. */
async function rewritten(
  source: ObjectVersion,
  to: Parameters<S3Deps['store']['put']>[2] & { algorithm: NonNullable<ReturnType<typeof requestedAlgorithm>> },
  d: S3Deps,
): Promise<ObjectVersion> {
  const { algorithm, ...placing } = to;
  const content = d.store.read(source, 0, source.size - 1);
  try {
    const expected = { md5: null, algorithm, checksum: null, minBytes: 0, maxBytes: MAX_PUT_BYTES };
    return await d.store.put({ chunks: content.chunks, length: source.size, trailers: new Map() }, expected, placing);
  } finally {
    content.release();
  }
}

/** The tags that go with the content. Throws AccessDenied unless whoever copies may read and set them. */
function copiedTags(r: S3Request, source: ObjectVersion): ObjectVersion['tags'] {
  if (Object.keys(source.tags).length === 0) return {};
  permit(r, versioned('GetObjectTagging', namedSource(r).versionId), source);
  permit(r, 'PutObjectTagging', r);
  return source.tags;
}

function directive(r: S3Request, name: string): boolean {
  const text = header(r, name)?.toUpperCase() ?? 'COPY';
  if (text === 'COPY' || text === 'REPLACE') return text === 'REPLACE';
  throw new HearthError('InvalidArgument', 'Unknown metadata directive.', { details: { ArgumentName: name, ArgumentValue: text } });
}

/** What `x-amz-copy-source` names; `versionId` null: the latest version. Throws InvalidArgument, KeyTooLongError. */
function namedSource(r: S3Request): { bucket: string; key: string; versionId: string | null } {
  const text = header(r, 'x-amz-copy-source') ?? '';
  const m = /^\/?([^/?]+)\/([^?]+?)(?:\?versionId=([^&]+))?$/.exec(text.replace(/^%2F/i, '').replace(/^([^/]+?)%2F/i, '$1/'));
  if (m?.[1] === undefined || m[2] === undefined) {
    throw new HearthError('InvalidArgument', 'Copy Source must mention the source bucket and key: sourcebucket/sourcekey', {
      details: { ArgumentName: 'x-amz-copy-source' },
    });
  }
  return { bucket: percentDecode(m[1]), key: checkKey(percentDecode(m[2])), versionId: m[3] ?? null };
}

/** The version that `x-amz-copy-source` names, checked against the conditions on it. Throws NoSuchKey, NoSuchVersion, InvalidArgument. */
export async function copySource(r: S3Request, d: S3Deps): Promise<ObjectVersion> {
  const { bucket, key, versionId } = namedSource(r);
  permit(r, versioned('GetObject', versionId), { bucket, key });
  const [, version] = await Promise.all([d.store.index.bucket(bucket), d.store.index.find(bucket, key, versionId)]);
  if (version === null && versionId !== null) throw noSuchVersion(key, versionId);
  if (version === null || (version.deleteMarker && versionId === null)) {
    throw new HearthError('NoSuchKey', 'The specified key does not exist.', { details: { Key: key } });
  }
  if (version.deleteMarker)
    throw new HearthError('InvalidRequest', 'The source of a copy request may not specifically refer to a delete marker by version id.');
  copyCondition(r, version);
  return version;
}
