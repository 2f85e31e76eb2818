import { HearthError } from '../../../errors.ts';
import type { Precondition, Removed, RemoveObject } from '../../object-index.ts';
import { wholeBody } from '../body.ts';
import { failed, names } from '../conditions.ts';
import type { Operation } from '../operation.ts';
import { permit, versioned } from '../permissions.ts';
import { bucketOf, causeOf, checkKey, header, keyOf } from '../request.ts';
import { malformedXml, parseXml, xmlDocument } from '../xml.ts';

export const deleteObject: Operation = async (r, d) => {
  const removal = {
    bucket: bucketOf(r),
    key: keyOf(r),
    versionId: r.query.get('versionId') ?? null,
    precondition: ifMatch(header(r, 'if-match')),
    cause: causeOf(r),
  };
  const [removed] = await d.store.remove([removal]);
  return {
    status: 204,
    headers: {
      'x-amz-version-id': removed?.versionId ?? undefined,
      'x-amz-delete-marker': removed?.deleteMarker === true ? 'true' : undefined,
    },
  };
};

/** A removal may ask for what it removes; nothing there is nothing to remove. */
function ifMatch(etag: string | undefined): Precondition {
  return (present) => {
    if (etag !== undefined && present !== null && !names(etag, present.etag)) throw failed('If-Match');
  };
}

const MOST = 1000;

export const deleteObjects: Operation = async (r, d) => {
  const bucket = bucketOf(r);
  const document = parseXml(await wholeBody(r, true), 'Delete');
  const wanted = document
    .all('Object')
    .map((o) => ({ key: o.textOf('Key') ?? '', versionId: o.textOf('VersionId') ?? null, etag: o.textOf('ETag') }));
  if (wanted.length === 0 || wanted.length > MOST || wanted.some((o) => o.key === '')) throw malformedXml();
  await d.store.index.bucket(bucket);
  const errors: { Key: string; VersionId: string | undefined; Code: string; Message: string }[] = [];
  const refuse = (o: (typeof wanted)[number], error: unknown): void => {
    if (!(error instanceof HearthError) || error.fault !== 'caller') throw error;
    errors.push({ Key: o.key, VersionId: o.versionId ?? undefined, Code: error.code, Message: error.message });
  };
  const removals: (Omit<RemoveObject, 'markerId'> & { asked: (typeof wanted)[number] })[] = [];
  for (const asked of wanted) {
    try {
      permit(r, versioned('DeleteObject', asked.versionId), { bucket, key: asked.key });
      removals.push({
        bucket,
        key: checkKey(asked.key),
        versionId: asked.versionId,
        precondition: ifMatch(asked.etag),
        cause: causeOf(r),
        asked,
      });
    } catch (error) {
      refuse(asked, error);
    }
  }
  const done: { asked: (typeof wanted)[number]; removed: Removed }[] = [];
  // One transaction for all, unless some have a condition that may fail by itself.
  const groups = removals.some((o) => o.asked.etag !== undefined) ? removals.map((o) => [o]) : [removals];
  for (const group of groups) {
    try {
      const removed = await d.store.remove(group);
      group.forEach((o, i) => done.push({ asked: o.asked, removed: removed[i] ?? { versionId: null, deleteMarker: false } }));
    } catch (error) {
      if (group.length !== 1) throw error;
      for (const o of group) refuse(o.asked, error);
    }
  }
  const quiet = document.textOf('Quiet') === 'true';
  return { status: 200, body: xmlDocument('DeleteResult', { Deleted: quiet ? [] : done.map(deletedElement), Error: errors }) };
};

function deletedElement({
  asked,
  removed,
}: {
  asked: { key: string; versionId: string | null };
  removed: Removed;
}): Record<string, string | boolean | undefined> {
  const marker = removed.deleteMarker ? { DeleteMarker: true, DeleteMarkerVersionId: removed.versionId ?? undefined } : {};
  return { Key: asked.key, VersionId: asked.versionId ?? undefined, ...marker };
}
