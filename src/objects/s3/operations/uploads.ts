import { HearthError, type ErrorCode } from '../../../errors.ts';
import { CHECKSUM_ALGORITHMS, type Checksum, type ObjectPart, type ObjectVersion, type Upload, type UploadedPart } from '../../model.ts';
import { multipartEtag } from '../../object-store.ts';
import { declaredChecksum, requestedAlgorithm, wholeBody } from '../body.ts';
import { names, writeCondition } from '../conditions.ts';
import { checksumElements, madeVersion, metaOf, taggingHeader } from '../headers.ts';
import { isoTime, ownerElement, type Operation, type S3Deps } from '../operation.ts';
import { gatherPage } from '../page.ts';
import { bucketOf, causeOf, header, keyOf, type S3Request } from '../request.ts';
import { malformedXml, parseXml, xmlDocument, type XmlNode } from '../xml.ts';
import { behindPrefix, listQuery } from './list.ts';

export const MAX_PARTS = 10_000;
const MIN_PART_BYTES = 5 * 1024 * 1024;

export const createUpload: Operation = async (r, d) => {
  const [bucket, key] = [bucketOf(r), keyOf(r)];
  const checksum = uploadChecksum(r);
  const tags = taggingHeader(header(r, 'x-amz-tagging'));
  const upload: Upload = { id: d.store.newVersionId(), bucket, key, initiatedAtMs: d.clock.now(), meta: metaOf(r), tags, checksum };
  await d.store.index.createUpload(upload);
  const headers = checksum === null ? {} : { 'x-amz-checksum-algorithm': checksum.algorithm, 'x-amz-checksum-type': checksum.type };
  return { status: 200, headers, body: xmlDocument('InitiateMultipartUploadResult', { Bucket: bucket, Key: key, UploadId: upload.id }) };
};

function uploadChecksum(r: S3Request): Upload['checksum'] {
  const algorithm = requestedAlgorithm(r);
  const type = header(r, 'x-amz-checksum-type')?.toUpperCase();
  if (type !== undefined && type !== 'COMPOSITE' && type !== 'FULL_OBJECT')
    throw new HearthError('InvalidRequest', 'Value for x-amz-checksum-type header is invalid.');
  if (algorithm === null) {
    if (type === undefined) return null;
    throw new HearthError('InvalidRequest', 'The x-amz-checksum-type header can only be used with the x-amz-checksum-algorithm header.');
  }
  const whole = algorithm === 'CRC64NVME';
  const unfit = (whole && type === 'COMPOSITE') || (algorithm.startsWith('SHA') && type === 'FULL_OBJECT');
  if (unfit)
    throw new HearthError(
      'InvalidRequest',
      `The ${type} checksum type cannot be used with the ${algorithm.toLowerCase()} checksum algorithm.`,
    );
  return { algorithm, type: type ?? (whole ? 'FULL_OBJECT' : 'COMPOSITE') };
}

/** The upload that `uploadId` names. Throws NoSuchUpload. */
export async function uploadOf(r: S3Request, d: S3Deps): Promise<Upload> {
  return d.store.index.upload(bucketOf(r), keyOf(r), r.query.get('uploadId') ?? '');
}

export const abortUpload: Operation = async (r, d) => {
  await d.store.abort(await uploadOf(r, d));
  return { status: 204 };
};

export const completeUpload: Operation = async (r, d) => {
  // The checksum in this request's headers is the object's, not the document's.
  const wanted = readParts(parseXml(await documentBody(r), 'CompleteMultipartUpload'));
  const version = await complete(r, d, wanted).catch((error: unknown) => completedBefore(r, d, { wanted, error }));
  const location = `http://${r.raw.headers.host ?? 'localhost'}/${version.bucket}/${version.key.split('/').map(encodeURIComponent).join('/')}`;
  const body = xmlDocument('CompleteMultipartUploadResult', {
    Location: location,
    Bucket: version.bucket,
    Key: version.key,
    ETag: `"${version.etag}"`,
    ...checksumElements(version.checksum),
  });
  return { status: 200, headers: { 'x-amz-version-id': madeVersion(version) }, body };
};

async function complete(r: S3Request, d: S3Deps, wanted: readonly WantedPart[]): Promise<ObjectVersion> {
  const upload = await uploadOf(r, d);
  const present = new Map((await d.store.index.parts(upload.id, 0, MAX_PARTS)).map((p) => [p.number, p]));
  const parts = wanted.map((part, i) => requirePart(part, present.get(part.number), { upload, last: i === wanted.length - 1 }));
  const size = parts.reduce((sum, p) => sum + p.size, 0);
  const said = header(r, 'x-amz-mp-object-size');
  if (said !== undefined && Number(said) !== size) {
    throw new HearthError(
      'InvalidRequest',
      `The provided 'x-amz-mp-object-size' header value ${said} does not match what was computed: ${size}`,
    );
  }
  await d.store.index.bucket(upload.bucket); // throws NoSuchBucket
  const expected = declaredChecksum(r)?.value;
  return d.store.complete(upload, parts, {
    how: 'CompleteMultipartUpload',
    cause: causeOf(r),
    precondition: writeCondition(r),
    verify: (checksum) => verifyChecksum(checksum, expected),
  });
}

/**
 * The object that an upload which is no more has become: whoever completes it and gets no answer asks again, and S3 answers as it did. Told by its ETag, which is that of the
 * parts in their order. Throws `error` when there is no such object, or it is another error than NoSuchUpload.
 */
async function completedBefore(r: S3Request, d: S3Deps, o: { wanted: readonly WantedPart[]; error: unknown }): Promise<ObjectVersion> {
  // Completed while its parts were being looked for, it has none any more.
  const ended = hasCode(o.error, 'InvalidPart') ? await uploadOf(r, d).catch((error: unknown) => error) : o.error;
  if (!hasCode(ended, 'NoSuchUpload')) throw o.error;
  const etag = multipartEtag(o.wanted.map((part) => part.etag.replaceAll('"', '')));
  const found = await d.store.index.find(bucketOf(r), keyOf(r), null);
  if (found === null || !found.multipart || found.etag !== etag) throw o.error;
  return found;
}

function hasCode(error: unknown, code: ErrorCode): boolean {
  return error instanceof HearthError && error.code === code;
}

function documentBody(r: S3Request): Promise<Buffer> {
  const headers = Object.fromEntries(Object.entries(r.signed.headers).filter(([name]) => !/^x-amz-(checksum|sdk-checksum)/.test(name)));
  return wholeBody({ ...r, signed: { ...r.signed, headers } });
}

function verifyChecksum(computed: Checksum | null, expected: string | undefined): void {
  if (expected === undefined || computed === null || expected.replace(/-\d+$/, '') === computed.value.replace(/-\d+$/, '')) return;
  throw new HearthError('BadDigest', `The ${computed.algorithm} you specified did not match the calculated checksum.`);
}

interface WantedPart {
  readonly number: number;
  readonly etag: string;
  readonly checksum: string | undefined;
}

function readParts(document: XmlNode): WantedPart[] {
  const parts = document.all('Part').map((p) => ({
    number: Number(p.textOf('PartNumber')),
    etag: p.textOf('ETag') ?? '',
    checksum: CHECKSUM_ALGORITHMS.map((a) => p.textOf(`Checksum${a}`)).find((c) => c !== undefined),
  }));
  if (parts.length === 0 || parts.some((p) => !Number.isInteger(p.number))) throw malformedXml();
  if (parts.some((p, i) => i > 0 && p.number <= (parts[i - 1]?.number ?? 0))) {
    throw new HearthError('InvalidPartOrder', 'The list of parts was not in ascending order. Parts must be ordered by part number.');
  }
  return parts;
}

function requirePart(wanted: WantedPart, part: UploadedPart | undefined, { upload, last }: { upload: Upload; last: boolean }): ObjectPart {
  const sameSum = wanted.checksum === undefined || wanted.checksum === part?.checksum;
  if (part === undefined || !names(wanted.etag, part.md5) || !sameSum) {
    throw new HearthError(
      'InvalidPart',
      "One or more of the specified parts could not be found.  The part may not have been uploaded, or the specified entity tag may not match the part's entity tag.",
      { details: { UploadId: upload.id, PartNumber: wanted.number, ETag: wanted.etag } },
    );
  }
  if (!last && part.size < MIN_PART_BYTES) {
    throw new HearthError('EntityTooSmall', 'Your proposed upload is smaller than the minimum allowed size', {
      details: { ProposedSize: part.size, MinSizeAllowed: MIN_PART_BYTES, PartNumber: part.number, ETag: part.md5 },
    });
  }
  const { number, blob, size, md5, checksum } = part;
  return { number, blob, size, md5, checksum };
}

export const listUploads: Operation = async (r, d) => {
  const bucket = bucketOf(r);
  const q = listQuery(r, 'max-uploads');
  const [keyMarker, idMarker] = [r.query.get('key-marker') ?? '', r.query.get('upload-id-marker') ?? ''];
  await d.store.index.bucket(bucket);
  const start = idMarker === '' || keyMarker === '' ? behindPrefix(keyMarker, q) : { after: keyMarker, inclusive: true };
  const page = await gatherPage<Upload>({
    stretch: { bucket, prefix: q.prefix, ...start },
    delimiter: q.delimiter,
    most: q.most,
    fetch: (stretch, last) =>
      last === null
        ? d.store.index.uploads(stretch, stretch.after === keyMarker && stretch.inclusive ? idMarker : '')
        : d.store.index.uploads({ ...stretch, after: last.key, inclusive: true }, last.id),
    keyOf: (u) => u.key,
  });
  const next = page.truncated && page.last !== null ? page.last : null;
  const body = xmlDocument('ListMultipartUploadsResult', {
    Bucket: bucket,
    KeyMarker: q.text(keyMarker),
    UploadIdMarker: idMarker,
    NextKeyMarker: next === null ? undefined : q.text(next.text),
    // An id goes with its key: a prefix has none.
    NextUploadIdMarker: next === null || next.prefix ? undefined : page.items.at(-1)?.id,
    Delimiter: q.delimiter === '' ? undefined : q.text(q.delimiter),
    Prefix: q.text(q.prefix),
    MaxUploads: q.most,
    IsTruncated: page.truncated,
    EncodingType: q.encoding,
    Upload: page.items.map((u) => ({
      Key: q.text(u.key),
      UploadId: u.id,
      Initiator: ownerElement(d.place),
      Owner: ownerElement(d.place),
      StorageClass: u.meta.storageClass,
      Initiated: isoTime(u.initiatedAtMs),
      ChecksumAlgorithm: u.checksum?.algorithm,
      ChecksumType: u.checksum?.type,
    })),
    CommonPrefixes: page.prefixes.map((p) => ({ Prefix: q.text(p) })),
  });
  return { status: 200, body };
};
