import { wholeBody } from '../body.ts';
import type { Operation } from '../operation.ts';
import { causeOf } from '../request.ts';
import { xmlDocument } from '../xml.ts';
import { readTags, tagElements } from './bucket-settings.ts';
import { findVersion } from './read.ts';

export const getObjectTagging: Operation = async (r, d) => {
  const { version, versioned } = await findVersion(r, d);
  return {
    status: 200,
    headers: { 'x-amz-version-id': versioned ? version.versionId : undefined },
    body: xmlDocument('Tagging', tagElements(version.tags)),
  };
};

export const putObjectTagging: Operation = async (r, d) => {
  const tags = readTags(await wholeBody(r), 10);
  const { version, versioned } = await findVersion(r, d);
  await d.store.index.tag(version, tags, causeOf(r));
  return { status: 200, headers: { 'x-amz-version-id': versioned ? version.versionId : undefined } };
};

export const deleteObjectTagging: Operation = async (r, d) => {
  const { version, versioned } = await findVersion(r, d);
  await d.store.index.tag(version, {}, causeOf(r));
  return { status: 204, headers: { 'x-amz-version-id': versioned ? version.versionId : undefined } };
};
