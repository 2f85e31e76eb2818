import { HearthError } from '../../../errors.ts';
import { queryEscape } from '../../events/query-escape.ts';
import type { ListedObject } from '../../object-index.ts';
import { successor } from '../../successor.ts';
import { isoTime, ownerElement, type Operation, type S3Deps } from '../operation.ts';
import { gatherPage, type Page } from '../page.ts';
import { bucketOf, type S3Request } from '../request.ts';
import { xmlDocument, type XmlElement } from '../xml.ts';

/** What all lists of keys are asked. */
export interface ListQuery {
  readonly prefix: string;
  readonly delimiter: string;
  readonly most: number;
  /** How keys are written in the answer. */
  readonly text: (key: string) => string;
  readonly encoding: 'url' | undefined;
}

/** Reads the parameters that lists share. `most` is the name of the one that bounds it. Throws InvalidArgument. */
export function listQuery(r: S3Request, most: string): ListQuery {
  const encoding = r.query.get('encoding-type');
  if (encoding !== undefined && encoding !== 'url')
    throw invalidArgument('encoding-type', encoding, 'Invalid Encoding Method specified in Request');
  return {
    prefix: r.query.get('prefix') ?? '',
    delimiter: r.query.get('delimiter') ?? '',
    most: countOf(r.query.get(most), most),
    text: encoding === 'url' ? queryEscape : (key) => key,
    encoding,
  };
}

/** A whole number that a request gives, and no more than `most`, which it is where none is given. Throws InvalidArgument. */
export function countOf(text: string | undefined, name: string, most = 1000): number {
  if (text === undefined || text === '') return most;
  if (!/^-?\d+$/.test(text)) throw invalidArgument(name, text, `Provided ${name} not an integer or within integer range`);
  if (Number(text) < 0 || Number(text) > 2 ** 31 - 1)
    throw invalidArgument(name, text, `Argument ${name} must be an integer between 0 and 2147483647`);
  return Math.min(Number(text), most);
}

export function invalidArgument(name: string, value: string, message: string): HearthError {
  return new HearthError('InvalidArgument', message, { details: { ArgumentName: name, ArgumentValue: value } });
}

export const listObjects: Operation = async (r, d) => {
  const q = listQuery(r, 'max-keys');
  const marker = r.query.get('marker') ?? '';
  const page = await pageOf(r, d, { q, ...behindPrefix(marker, q) });
  const next = page.truncated && page.last !== null ? page.last.text : undefined;
  const body = xmlDocument('ListBucketResult', {
    Name: bucketOf(r),
    Prefix: q.text(q.prefix),
    Marker: q.text(marker),
    // S3 gives it only where the last key would not do.
    NextMarker: next === undefined || q.delimiter === '' ? undefined : q.text(next),
    MaxKeys: q.most,
    Delimiter: q.delimiter === '' ? undefined : q.text(q.delimiter),
    IsTruncated: page.truncated,
    EncodingType: q.encoding,
    ...contents(page, q, { Owner: ownerElement(d.place) }),
  });
  return { status: 200, body };
};

export const listObjectsV2: Operation = async (r, d) => {
  const q = listQuery(r, 'max-keys');
  const token = r.query.get('continuation-token');
  const startAfter = r.query.get('start-after') ?? '';
  const page = await pageOf(r, d, { q, ...(token === undefined ? behindPrefix(startAfter, q) : readToken(token)) });
  const owner = r.query.get('fetch-owner') === 'true' ? { Owner: ownerElement(d.place) } : {};
  const body = xmlDocument('ListBucketResult', {
    Name: bucketOf(r),
    Prefix: q.text(q.prefix),
    StartAfter: startAfter === '' ? undefined : q.text(startAfter),
    ContinuationToken: token,
    NextContinuationToken: page.next === null ? undefined : Buffer.from(JSON.stringify(page.next)).toString('base64url'),
    KeyCount: page.items.length + page.prefixes.length,
    MaxKeys: q.most,
    Delimiter: q.delimiter === '' ? undefined : q.text(q.delimiter),
    IsTruncated: page.truncated,
    EncodingType: q.encoding,
    ...contents(page, q, owner),
  });
  return { status: 200, body };
};

async function pageOf(r: S3Request, d: S3Deps, o: { q: ListQuery; after: string; inclusive: boolean }): Promise<Page<ListedObject>> {
  const bucket = bucketOf(r);
  await d.store.index.bucket(bucket);
  return gatherPage<ListedObject>({
    stretch: { bucket, prefix: o.q.prefix, after: o.after, inclusive: o.inclusive },
    delimiter: o.q.delimiter,
    most: o.q.most,
    fetch: (stretch) => d.store.index.list(stretch),
    keyOf: (item) => item.key,
  });
}

function contents(page: Page<ListedObject>, q: ListQuery, owner: XmlElement): XmlElement {
  return {
    Contents: page.items.map((o) => ({
      Key: q.text(o.key),
      LastModified: isoTime(o.modifiedAtMs),
      ETag: `"${o.etag}"`,
      ChecksumAlgorithm: o.checksum?.algorithm,
      ChecksumType: o.checksum?.type,
      Size: o.size,
      ...owner,
      StorageClass: o.storageClass,
    })),
    CommonPrefixes: page.prefixes.map((p) => ({ Prefix: q.text(p) })),
  };
}

/** After a prefix that was shown, the list goes on behind all of its keys. */
export function behindPrefix(marker: string, q: Pick<ListQuery, 'prefix' | 'delimiter'>): { after: string; inclusive: boolean } {
  const isPrefix = q.delimiter !== '' && marker.length > q.prefix.length && marker.startsWith(q.prefix) && marker.endsWith(q.delimiter);
  const behind = isPrefix ? successor(marker) : null;
  return behind === null ? { after: marker, inclusive: false } : { after: behind, inclusive: true };
}

function readToken(token: string): { after: string; inclusive: boolean } {
  try {
    const { after, inclusive } = JSON.parse(Buffer.from(token, 'base64url').toString('utf8')) as Record<string, unknown>;
    if (typeof after === 'string' && typeof inclusive === 'boolean') return { after, inclusive };
  } catch {
    // not one of ours: said below
  }
  throw invalidArgument('continuation-token', token, 'The continuation token provided is incorrect');
}
