import { HearthError } from '../../../errors.ts';
import type { ObjectVersion } from '../../model.ts';
import { findingAgain } from '../../object-store.ts';
import type { S3Answer } from '../answer.ts';
import { readCondition } from '../conditions.ts';
import { checksumElements, isHeaderValue, objectHeaders } from '../headers.ts';
import type { Operation, S3Deps } from '../operation.ts';
import { parseRange, type ByteRange } from '../range.ts';
import { bucketOf, header, keyOf, type S3Request } from '../request.ts';
import { xmlDocument } from '../xml.ts';
import { countOf } from './list.ts';
import { MAX_PARTS } from './uploads.ts';

export const getObject: Operation = (r, d) => findingAgain(() => read(r, d, true));

export const headObject: Operation = (r, d) => read(r, d, false);

async function read(r: S3Request, d: S3Deps, withContent: boolean): Promise<S3Answer> {
  const { version, versioned } = await findVersion(r, d);
  const shown = { versioned, checksum: header(r, 'x-amz-checksum-mode')?.toUpperCase() === 'ENABLED' };
  const whole = objectHeaders(version, shown);
  if (readCondition((name) => header(r, name), version) === 'not-modified') {
    const { etag } = whole;
    return { status: 304, headers: { etag, 'last-modified': whole['last-modified'], 'x-amz-version-id': whole['x-amz-version-id'] } };
  }
  const part = partRange(r, version);
  const range = part ?? parseRange(header(r, 'range'), version.size);
  const partial = range !== null && (part === null || version.parts.length > 1 || header(r, 'range') !== undefined);
  // The checksum is the whole object's: of a part of it, it would be wrong.
  const headers = {
    ...(range === null ? whole : objectHeaders(version, { ...shown, checksum: shown.checksum && isWhole(range, version) })),
    ...overrides(r),
  };
  if (range !== null) headers['content-range'] = `bytes ${range.start}-${range.end}/${version.size}`;
  if (part !== null && version.multipart) headers['x-amz-mp-parts-count'] = version.parts.length;
  const status = partial ? 206 : 200;
  const { start, end } = range ?? { start: 0, end: version.size - 1 };
  const length = end - start + 1;
  if (!withContent) return { status, headers: { ...headers, 'content-length': length } };
  if (version.size === 0) return { status, headers };
  const content = d.store.read(version, start, end);
  try {
    return { status, headers, body: { ...(await opened(content.chunks)), length, release: () => content.release() } };
  } catch (error) {
    content.release();
    throw error;
  }
}

/** Content of which the first piece was read: it is there. */
async function opened(chunks: AsyncIterable<Buffer>): Promise<{ chunks: AsyncIterable<Buffer> }> {
  const iterator = chunks[Symbol.asyncIterator]();
  const first = await iterator.next();
  async function* all(): AsyncGenerator<Buffer> {
    try {
      for (let next = first; next.done !== true; next = await iterator.next()) yield next.value;
    } finally {
      await iterator.return?.();
    }
  }
  return { chunks: all() };
}

function isWhole(range: ByteRange, version: ObjectVersion): boolean {
  return range.start === 0 && range.end === version.size - 1;
}

/** The range that `partNumber` means; null when it is not given. Throws InvalidRequest, InvalidRange. */
function partRange(r: S3Request, version: ObjectVersion): ByteRange | null {
  const text = r.query.get('partNumber');
  if (text === undefined) return null;
  if (header(r, 'range') !== undefined)
    throw new HearthError('InvalidRequest', 'Cannot specify both Range header and partNumber query parameter');
  const number = Number(text);
  let start = 0;
  for (const part of version.parts) {
    if (part.number === number) return part.size === 0 ? null : { start, end: start + part.size - 1 };
    start += part.size;
  }
  if (!(number >= 1 && number <= MAX_PARTS)) {
    throw new HearthError('InvalidArgument', `Part number must be an integer between 1 and ${MAX_PARTS}, inclusive`, {
      details: { ArgumentName: 'partNumber', ArgumentValue: text },
    });
  }
  throw new HearthError('InvalidRange', 'The requested partnumber is not satisfiable', {
    details: { PartNumberRequested: text, ActualPartCount: version.parts.length },
  });
}

const OVERRIDES = ['content-type', 'content-language', 'expires', 'cache-control', 'content-disposition', 'content-encoding'] as const;

/** `response-content-type` and its like, for signed requests. */
function overrides(r: S3Request): Record<string, string | number | undefined> {
  const given = OVERRIDES.flatMap((name) => {
    const value = r.query.get(`response-${name}`);
    return value === undefined ? [] : [[name, value] as const];
  });
  if (given.length > 0 && r.verified === null) {
    throw new HearthError('InvalidRequest', 'Request specific response headers cannot be used for anonymous GET requests.');
  }
  const unfit = given.find(([, value]) => !isHeaderValue(value));
  if (unfit !== undefined)
    throw new HearthError('InvalidArgument', 'Header value cannot be represented.', { details: { ArgumentName: `response-${unfit[0]}` } });
  return Object.fromEntries(given);
}

/** The version that a request means. Throws NoSuchBucket, NoSuchKey, NoSuchVersion, MethodNotAllowed for a delete marker. */
export async function findVersion(r: S3Request, d: S3Deps): Promise<{ version: ObjectVersion; versioned: boolean }> {
  const [bucket, key, versionId] = [bucketOf(r), keyOf(r), r.query.get('versionId') ?? null];
  const [{ settings }, version] = await Promise.all([d.store.index.bucket(bucket), d.store.index.find(bucket, key, versionId)]);
  if (version === null) {
    if (versionId !== null) throw noSuchVersion(key, versionId);
    throw new HearthError('NoSuchKey', 'The specified key does not exist.', { details: { Key: key } });
  }
  if (!version.deleteMarker) return { version, versioned: settings.versioning !== null };
  if (versionId === null)
    throw new HearthError('NoSuchKey', 'The specified key does not exist.', { details: { Key: key, DeleteMarker: true } });
  throw new HearthError('MethodNotAllowed', 'The specified method is not allowed against this resource.', {
    details: { Method: r.method, ResourceType: 'DeleteMarker', DeleteMarker: true },
  });
}

export function noSuchVersion(key: string, versionId: string): HearthError {
  return new HearthError('NoSuchVersion', 'The specified version does not exist.', { details: { Key: key, VersionId: versionId } });
}

export const getObjectAttributes: Operation = async (r, d) => {
  const { version, versioned } = await findVersion(r, d);
  const wanted = new Set((header(r, 'x-amz-object-attributes') ?? '').split(',').map((a) => a.trim()));
  const after = countOf(header(r, 'x-amz-part-number-marker') ?? '0', 'x-amz-part-number-marker', MAX_PARTS);
  const most = countOf(header(r, 'x-amz-max-parts'), 'x-amz-max-parts');
  const rest = version.parts.filter((p) => p.number > after);
  const shown = rest.slice(0, most);
  const algorithm = version.checksum?.algorithm;
  const parts = {
    PartsCount: version.parts.length,
    PartNumberMarker: after,
    NextPartNumberMarker: shown.at(-1)?.number ?? 0,
    MaxParts: most,
    IsTruncated: rest.length > shown.length,
    Part: shown.map((p) => ({
      PartNumber: p.number,
      Size: p.size,
      ...(algorithm === undefined || p.checksum === null ? {} : { [`Checksum${algorithm}`]: p.checksum }),
    })),
  };
  const body = xmlDocument('GetObjectAttributesResponse', {
    ETag: wanted.has('ETag') ? version.etag : undefined,
    Checksum: wanted.has('Checksum') && version.checksum !== null ? checksumElements(version.checksum) : undefined,
    ObjectParts: wanted.has('ObjectParts') && version.multipart ? parts : undefined,
    StorageClass: wanted.has('StorageClass') ? version.meta.storageClass : undefined,
    ObjectSize: wanted.has('ObjectSize') ? version.size : undefined,
  });
  const headers = {
    'last-modified': new Date(version.modifiedAtMs).toUTCString(),
    'x-amz-version-id': versioned ? version.versionId : undefined,
  };
  return { status: 200, headers, body };
};
