import { HearthError } from '../../../errors.ts';
import { NEW_BUCKET } from '../../model.ts';
import { wholeBody } from '../body.ts';
import { refuseAcl } from '../headers.ts';
import { isoTime, ownerElement, type Operation } from '../operation.ts';
import { bucketOf, header } from '../request.ts';
import { parseXml, xmlDocument } from '../xml.ts';
import { countOf, invalidArgument } from './list.ts';

/** In one page, as on S3. */
const MOST_BUCKETS = 10_000;

export const listBuckets: Operation = async (r, d) => {
  const prefix = r.query.get('prefix') ?? '';
  const most = countOf(r.query.get('max-buckets'), 'max-buckets', MOST_BUCKETS);
  if (most === 0) throw invalidArgument('max-buckets', '0', `Argument max-buckets must be an integer between 1 and ${MOST_BUCKETS}`);
  const after = r.query.get('continuation-token') ?? '';
  const found = (await d.store.index.buckets()).filter((b) => b.name.startsWith(prefix) && b.name > after);
  const shown = found.slice(0, most);
  const last = shown.at(-1)?.name;
  const body = xmlDocument('ListAllMyBucketsResult', {
    Owner: ownerElement(d.place),
    Buckets: { Bucket: shown.map((b) => ({ Name: b.name, CreationDate: isoTime(b.createdAtMs), BucketRegion: d.place.region })) },
    ContinuationToken: found.length > shown.length ? last : undefined,
    Prefix: prefix === '' ? undefined : prefix,
  });
  return { status: 200, body };
};

export const createBucket: Operation = async (r, d) => {
  refuseAcl(r);
  if (header(r, 'x-amz-bucket-object-lock-enabled')?.toLowerCase() === 'true') {
    throw new HearthError('NotImplemented', 'Object Lock is not implemented.');
  }
  const body = await wholeBody(r);
  // Where the bucket is to be is not for the client to say: there is one place.
  if (body.length > 0) parseXml(body, 'CreateBucketConfiguration');
  const name = bucketOf(r);
  if (await d.store.createBucket(name, NEW_BUCKET)) return { status: 200, headers: { location: `/${name}` } };
  // S3's first region says yes to a bucket that one has already; the others don't.
  if (d.place.region === 'us-east-1') return { status: 200, headers: { location: `/${name}` } };
  throw new HearthError('BucketAlreadyOwnedByYou', 'Your previous request to create the named bucket succeeded and you already own it.', {
    details: { BucketName: name },
  });
};

export const headBucket: Operation = async (r, d) => {
  await d.store.index.bucket(bucketOf(r));
  return { status: 200, headers: { 'x-amz-bucket-region': d.place.region, 'content-type': 'application/xml' } };
};

export const deleteBucket: Operation = async (r, d) => {
  await d.store.removeBucket(bucketOf(r));
  return { status: 204 };
};

export const getBucketLocation: Operation = async (r, d) => {
  await d.store.index.bucket(bucketOf(r));
  const { region } = d.place;
  const text = region === 'us-east-1' ? '' : region;
  return {
    status: 200,
    body: `<?xml version="1.0" encoding="UTF-8"?>\n<LocationConstraint xmlns="http://s3.amazonaws.com/doc/2006-03-01/">${text}</LocationConstraint>`,
  };
};
