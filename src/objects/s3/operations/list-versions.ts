import type { ListedObject } from '../../object-index.ts';
import type { ObjectVersion } from '../../model.ts';
import { isoTime, ownerElement, type Operation } from '../operation.ts';
import { gatherPage } from '../page.ts';
import { bucketOf } from '../request.ts';
import { xmlDocument, type XmlElement } from '../xml.ts';
import { behindPrefix, invalidArgument, listQuery, type ListQuery } from './list.ts';

export const listObjectVersions: Operation = async (r, d) => {
  const bucket = bucketOf(r);
  const q = listQuery(r, 'max-keys');
  const keyMarker = r.query.get('key-marker') ?? '';
  const idMarker = r.query.get('version-id-marker') ?? '';
  if (idMarker !== '' && keyMarker === '') {
    throw invalidArgument('version-id-marker', idMarker, 'A version-id marker cannot be specified without a key marker.');
  }
  await d.store.index.bucket(bucket);
  const below = idMarker === '' ? null : await sequenceOf(idMarker, (id) => d.store.index.find(bucket, keyMarker, id));
  const start = idMarker === '' ? behindPrefix(keyMarker, q) : { after: keyMarker, inclusive: true };
  const page = await gatherPage<ListedObject>({
    stretch: { bucket, prefix: q.prefix, ...start },
    delimiter: q.delimiter,
    most: q.most,
    // The next row may be another version of the key that was shown last.
    fetch: (stretch, last) =>
      last === null
        ? d.store.index.listVersions(stretch, stretch.after === keyMarker && stretch.inclusive ? below : null)
        : d.store.index.listVersions({ ...stretch, after: last.key, inclusive: true }, last.sequence),
    keyOf: (item) => item.key,
  });
  const last = page.items.at(-1);
  const next = page.truncated && page.last !== null ? page.last : null;
  const body = xmlDocument('ListVersionsResult', {
    Name: bucket,
    Prefix: q.text(q.prefix),
    KeyMarker: q.text(keyMarker),
    VersionIdMarker: idMarker,
    NextKeyMarker: next === null ? undefined : q.text(next.text),
    NextVersionIdMarker: next === null || next.prefix || last === undefined ? undefined : markerOf(last),
    MaxKeys: q.most,
    Delimiter: q.delimiter === '' ? undefined : q.text(q.delimiter),
    IsTruncated: page.truncated,
    EncodingType: q.encoding,
    Version: page.items.filter((v) => !v.deleteMarker).map((v) => versionElement(v, q, ownerElement(d.place))),
    DeleteMarker: page.items.filter((v) => v.deleteMarker).map((v) => markerElement(v, q, ownerElement(d.place))),
    CommonPrefixes: page.prefixes.map((p) => ({ Prefix: q.text(p) })),
  });
  return { status: 200, body };
};

/** Where a list goes on behind a version. With its sequence number, so that it does when that version was removed meanwhile. */
function markerOf({ versionId, sequence }: Pick<ListedObject, 'versionId' | 'sequence'>): string {
  return `${versionId}.${sequence}`;
}

/** The sequence number that a marker, or the bare id of a version, stands for; null when there is no such version (any more): its key comes again, rather than be skipped. */
async function sequenceOf(marker: string, find: (versionId: string) => Promise<ObjectVersion | null>): Promise<string | null> {
  const own = /\.(\d{1,18})$/.exec(marker)?.[1];
  return own ?? (await find(marker))?.sequence ?? null;
}

function versionElement(v: ListedObject, q: ListQuery, Owner: XmlElement): XmlElement {
  return {
    Key: q.text(v.key),
    VersionId: v.versionId,
    IsLatest: v.latest,
    LastModified: isoTime(v.modifiedAtMs),
    ETag: `"${v.etag}"`,
    ChecksumAlgorithm: v.checksum?.algorithm,
    ChecksumType: v.checksum?.type,
    Size: v.size,
    Owner,
    StorageClass: v.storageClass,
  };
}

function markerElement(v: ListedObject, q: ListQuery, Owner: XmlElement): XmlElement {
  return { Key: q.text(v.key), VersionId: v.versionId, IsLatest: v.latest, LastModified: isoTime(v.modifiedAtMs), Owner };
}
