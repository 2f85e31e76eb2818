import { HearthError } from '../../../errors.ts';
import { DEFAULT_CHECKSUM, findingAgain } from '../../object-store.ts';
import { expectedOf, incoming, MAX_PUT_BYTES } from '../body.ts';
import { madeVersion } from '../headers.ts';
import { isoTime, ownerElement, type Operation } from '../operation.ts';
import { header, type S3Request } from '../request.ts';
import { xmlDocument } from '../xml.ts';
import { countOf, invalidArgument } from './list.ts';
import { MAX_PARTS, uploadOf } from './uploads.ts';
import { copySource } from './write.ts';

export const uploadPart: Operation = async (r, d) => {
  const number = partNumber(r);
  const upload = await uploadOf(r, d);
  const { algorithm } = upload.checksum ?? DEFAULT_CHECKSUM;
  // Without one of its own, an upload takes whatever its parts are sent with, and keeps what S3 would compute.
  const expected = expectedOf(r, upload.checksum === null ? {} : { algorithm });
  const body = incoming(r);
  if (body.length === null) throw new HearthError('MissingContentLength', 'You must provide the Content-Length HTTP header.');
  const part = await d.store.putPart(upload, number, body, expected);
  return { status: 200, headers: { etag: `"${part.md5}"`, [`x-amz-checksum-${algorithm.toLowerCase()}`]: part.checksum ?? undefined } };
};

export const uploadPartCopy: Operation = (r, d) => findingAgain(() => copyPart(r, d));

const copyPart: Operation = async (r, d) => {
  const number = partNumber(r);
  const upload = await uploadOf(r, d);
  const source = await copySource(r, d);
  const { start, end } = copyRange(header(r, 'x-amz-copy-source-range'), source.size);
  const { algorithm } = upload.checksum ?? DEFAULT_CHECKSUM;
  const content = d.store.read(source, start, end);
  try {
    const expected = { md5: null, algorithm, checksum: null, minBytes: 0, maxBytes: MAX_PUT_BYTES };
    const body = { chunks: content.chunks, length: end - start + 1, trailers: new Map<string, string>() };
    const part = await d.store.putPart(upload, number, body, expected);
    const document = { LastModified: isoTime(d.clock.now()), ETag: `"${part.md5}"`, [`Checksum${algorithm}`]: part.checksum ?? undefined };
    const headers = { 'x-amz-copy-source-version-id': madeVersion(source) };
    return { status: 200, headers, body: xmlDocument('CopyPartResult', document) };
  } finally {
    content.release();
  }
};

function copyRange(text: string | undefined, size: number): { start: number; end: number } {
  if (text === undefined) return { start: 0, end: size - 1 };
  const m = /^bytes=(\d+)-(\d+)$/.exec(text);
  const [start, end] = [Number(m?.[1]), Number(m?.[2])];
  if (m === null || start > end) {
    throw invalidArgument(
      'x-amz-copy-source-range',
      text,
      'The x-amz-copy-source-range value must be of the form bytes=first-last where first and last are the zero-based offsets of the first and last bytes to copy',
    );
  }
  if (end >= size)
    throw invalidArgument('x-amz-copy-source-range', text, `Range specified is not valid for source object of size: ${size}`);
  return { start, end };
}

function partNumber(r: S3Request): number {
  const text = r.query.get('partNumber') ?? '';
  const number = Number(text);
  if (Number.isInteger(number) && number >= 1 && number <= MAX_PARTS) return number;
  throw invalidArgument('partNumber', text, `Part number must be an integer between 1 and ${MAX_PARTS}, inclusive`);
}

export const listParts: Operation = async (r, d) => {
  const upload = await uploadOf(r, d);
  const most = countOf(r.query.get('max-parts'), 'max-parts');
  const after = countOf(r.query.get('part-number-marker') || '0', 'part-number-marker', MAX_PARTS);
  const found = await d.store.index.parts(upload.id, after, most + 1);
  const parts = found.slice(0, most);
  const { algorithm, type } = upload.checksum ?? DEFAULT_CHECKSUM;
  const body = xmlDocument('ListPartsResult', {
    Bucket: upload.bucket,
    Key: upload.key,
    UploadId: upload.id,
    Initiator: ownerElement(d.place),
    Owner: ownerElement(d.place),
    StorageClass: upload.meta.storageClass,
    PartNumberMarker: after,
    NextPartNumberMarker: parts.at(-1)?.number ?? 0,
    MaxParts: most,
    IsTruncated: found.length > most,
    ChecksumAlgorithm: algorithm,
    ChecksumType: type,
    Part: parts.map((p) => ({
      PartNumber: p.number,
      LastModified: isoTime(p.modifiedAtMs),
      ETag: `"${p.md5}"`,
      Size: p.size,
      [`Checksum${algorithm}`]: p.checksum ?? undefined,
    })),
  });
  return { status: 200, body };
};
