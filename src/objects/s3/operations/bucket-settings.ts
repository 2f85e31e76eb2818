import { HearthError, type ErrorCode } from '../../../errors.ts';
import type { CorsRule } from '../../model.ts';
import { wholeBody, xmlBody } from '../body.ts';
import { checkTags, isHeaderName } from '../headers.ts';
import { ownerElement, type Operation } from '../operation.ts';
import { bucketOf } from '../request.ts';
import { malformedXml, parseXml, xmlDocument, type XmlNode } from '../xml.ts';

export const getVersioning: Operation = async (r, d) => {
  const { settings } = await d.store.index.bucket(bucketOf(r));
  return { status: 200, body: xmlDocument('VersioningConfiguration', { Status: settings.versioning ?? undefined }) };
};

export const putVersioning: Operation = async (r, d) => {
  const document = await xmlBody(r, 'VersioningConfiguration');
  const status = document.textOf('Status');
  if (status !== 'Enabled' && status !== 'Suspended') {
    throw new HearthError('IllegalVersioningConfigurationException', 'The Versioning element must be specified');
  }
  if (document.textOf('MfaDelete') === 'Enabled') throw new HearthError('NotImplemented', 'MFA Delete is not implemented.');
  await d.store.index.configureBucket(bucketOf(r), (s) => ({ ...s, versioning: status }));
  return { status: 200 };
};

export const getBucketTagging: Operation = async (r, d) => {
  const { settings } = await d.store.index.bucket(bucketOf(r));
  if (Object.keys(settings.tags).length === 0) throw new HearthError('NoSuchTagSet', 'The TagSet does not exist');
  return { status: 200, body: xmlDocument('Tagging', tagElements(settings.tags)) };
};

export const putBucketTagging: Operation = async (r, d) => {
  const tags = readTags(await wholeBody(r), 50);
  await d.store.index.configureBucket(bucketOf(r), (s) => ({ ...s, tags }));
  return { status: 204 };
};

export const deleteBucketTagging: Operation = async (r, d) => {
  await d.store.index.configureBucket(bucketOf(r), (s) => ({ ...s, tags: {} }));
  return { status: 204 };
};

/** Tags as `Tagging` documents have them. */
export function tagElements(tags: Readonly<Record<string, string>>): { TagSet: { Tag: { Key: string; Value: string }[] } } {
  return { TagSet: { Tag: Object.entries(tags).map(([Key, Value]) => ({ Key, Value })) } };
}

/** Reads a `Tagging` document. Throws MalformedXML, InvalidTag, BadRequest. */
export function readTags(body: Buffer, most: number): Record<string, string> {
  const set = parseXml(body, 'Tagging').first('TagSet');
  if (set === null) throw malformedXml();
  const pairs = set.all('Tag').map((t) => [t.textOf('Key') ?? '', t.textOf('Value') ?? ''] as const);
  const tags = Object.fromEntries(pairs);
  if (Object.keys(tags).length !== pairs.length) throw new HearthError('InvalidTag', 'Cannot provide multiple Tags with the same key');
  checkTags(tags, most);
  return tags;
}

export const getCors: Operation = async (r, d) => {
  const { settings } = await d.store.index.bucket(bucketOf(r));
  if (settings.cors.length === 0) throw new HearthError('NoSuchCORSConfiguration', 'The CORS configuration does not exist');
  const rules = settings.cors.map((rule) => ({
    ID: rule.id,
    AllowedHeader: [...rule.headers],
    AllowedMethod: [...rule.methods],
    AllowedOrigin: [...rule.origins],
    ExposeHeader: [...rule.exposeHeaders],
    MaxAgeSeconds: rule.maxAgeSeconds,
  }));
  return { status: 200, body: xmlDocument('CORSConfiguration', { CORSRule: rules }) };
};

export const putCors: Operation = async (r, d) => {
  const rules = (await xmlBody(r, 'CORSConfiguration')).all('CORSRule').map(corsRule);
  if (rules.length === 0 || rules.length > 100) throw malformedXml();
  await d.store.index.configureBucket(bucketOf(r), (s) => ({ ...s, cors: rules }));
  return { status: 200 };
};

const METHODS = new Set(['GET', 'PUT', 'POST', 'DELETE', 'HEAD']);

function corsRule(node: XmlNode): CorsRule {
  const texts = (name: string): string[] => node.all(name).map((n) => n.text);
  const [id, age] = [node.textOf('ID'), node.textOf('MaxAgeSeconds')];
  if (age !== undefined && !/^\d{1,9}$/.test(age)) throw malformedXml();
  const rule = {
    origins: texts('AllowedOrigin'),
    methods: texts('AllowedMethod'),
    headers: texts('AllowedHeader'),
    exposeHeaders: texts('ExposeHeader'),
    ...(id === undefined ? {} : { id }),
    ...(age === undefined ? {} : { maxAgeSeconds: Number(age) }),
  };
  if (rule.origins.length === 0 || rule.methods.length === 0) throw malformedXml();
  const unknown = rule.methods.find((m) => !METHODS.has(m));
  if (unknown !== undefined)
    throw new HearthError('InvalidRequest', `Found unsupported HTTP method in CORS config. Unsupported method is ${unknown}`);
  const unfit = rule.exposeHeaders.find((name) => !isHeaderName(name));
  if (unfit !== undefined) throw new HearthError('InvalidRequest', `ExposeHeader "${unfit}" contains characters that no header has.`);
  const stars = [...rule.origins, ...rule.headers].find((text) => text.split('*').length > 2);
  if (stars !== undefined) throw new HearthError('InvalidRequest', `AllowedOrigin "${stars}" can not have more than one wildcard.`);
  return rule;
}

export const deleteCors: Operation = async (r, d) => {
  await d.store.index.configureBucket(bucketOf(r), (s) => ({ ...s, cors: [] }));
  return { status: 204 };
};

export const getAcl: Operation = async (r, d) => {
  const bucket = bucketOf(r);
  await d.store.index.bucket(bucket);
  if (r.key !== null && (await d.store.index.find(bucket, r.key, r.query.get('versionId') ?? null)) === null) {
    throw new HearthError('NoSuchKey', 'The specified key does not exist.', { details: { Key: r.key } });
  }
  const owner = ownerElement(d.place);
  const Grantee = { '@xmlns:xsi': 'http://www.w3.org/2001/XMLSchema-instance', '@xsi:type': 'CanonicalUser', ...owner };
  return {
    status: 200,
    body: xmlDocument('AccessControlPolicy', { Owner: owner, AccessControlList: { Grant: { Grantee, Permission: 'FULL_CONTROL' } } }),
  };
};

export const putAcl: Operation = async (r, d) => {
  await d.store.index.bucket(bucketOf(r));
  throw new HearthError('AccessControlListNotSupported', 'The bucket does not allow ACLs');
};

/** The answer for a configuration that no bucket here has. */
export function absent(code: ErrorCode, message: string): Operation {
  return async (r, d) => {
    const name = bucketOf(r);
    await d.store.index.bucket(name);
    throw new HearthError(code, message, { details: { BucketName: name } });
  };
}

export const getRequestPayment: Operation = async (r, d) => {
  await d.store.index.bucket(bucketOf(r));
  return { status: 200, body: xmlDocument('RequestPaymentConfiguration', { Payer: 'BucketOwner' }) };
};

/** What can be read as "not configured" and not be configured. */
export function emptyConfiguration(root: string): Operation {
  return async (r, d) => {
    await d.store.index.bucket(bucketOf(r));
    return { status: 200, body: xmlDocument(root, {}) };
  };
}
