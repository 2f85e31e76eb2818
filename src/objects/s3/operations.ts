import { HearthError } from '../../errors.ts';
import {
  absent,
  deleteBucketTagging,
  deleteCors,
  emptyConfiguration,
  getAcl,
  getBucketTagging,
  getCors,
  getRequestPayment,
  getVersioning,
  putAcl,
  putBucketTagging,
  putCors,
  putVersioning,
} from './operations/bucket-settings.ts';
import { createBucket, deleteBucket, getBucketLocation, headBucket, listBuckets } from './operations/buckets.ts';
import { listObjectVersions } from './operations/list-versions.ts';
import { listObjects, listObjectsV2 } from './operations/list.ts';
import { getNotification, putNotification } from './operations/notification.ts';
import { listParts, uploadPart, uploadPartCopy } from './operations/parts.ts';
import { getObject, getObjectAttributes, headObject } from './operations/read.ts';
import { deleteObject, deleteObjects } from './operations/remove.ts';
import { deleteObjectTagging, getObjectTagging, putObjectTagging } from './operations/tagging.ts';
import { abortUpload, completeUpload, createUpload, listUploads } from './operations/uploads.ts';
import { copyObject, putObject } from './operations/write.ts';
import type { Operation } from './operation.ts';
import { permitAll, versioned } from './permissions.ts';
import { header, type S3Request } from './request.ts';

/** What serves a request, and what a key must be allowed to send it, in IAM's names without `s3:`; null: that is decided for each key it names. */
type Entry = readonly [run: Operation, action: string | null];

const BUCKET: Readonly<Record<string, Entry>> = {
  'PUT ': [createBucket, 'CreateBucket'],
  'HEAD ': [headBucket, 'ListBucket'],
  'DELETE ': [deleteBucket, 'DeleteBucket'],
  'GET ': [listObjects, 'ListBucket'],
  'GET list-type': [listObjectsV2, 'ListBucket'],
  'GET versions': [listObjectVersions, 'ListBucketVersions'],
  'GET uploads': [listUploads, 'ListBucketMultipartUploads'],
  'POST delete': [deleteObjects, null],
  'GET location': [getBucketLocation, 'GetBucketLocation'],
  'GET versioning': [getVersioning, 'GetBucketVersioning'],
  'PUT versioning': [putVersioning, 'PutBucketVersioning'],
  'GET notification': [getNotification, 'GetBucketNotification'],
  'PUT notification': [putNotification, 'PutBucketNotification'],
  'GET cors': [getCors, 'GetBucketCORS'],
  'PUT cors': [putCors, 'PutBucketCORS'],
  'DELETE cors': [deleteCors, 'PutBucketCORS'],
  'GET tagging': [getBucketTagging, 'GetBucketTagging'],
  'PUT tagging': [putBucketTagging, 'PutBucketTagging'],
  'DELETE tagging': [deleteBucketTagging, 'PutBucketTagging'],
  'GET acl': [getAcl, 'GetBucketAcl'],
  'PUT acl': [putAcl, 'PutBucketAcl'],
  'GET requestPayment': [getRequestPayment, 'GetBucketRequestPayment'],
  'GET accelerate': [emptyConfiguration('AccelerateConfiguration'), 'GetAccelerateConfiguration'],
  'GET logging': [emptyConfiguration('BucketLoggingStatus'), 'GetBucketLogging'],
  'GET policy': [absent('NoSuchBucketPolicy', 'The bucket policy does not exist'), 'GetBucketPolicy'],
  'GET policyStatus': [absent('NoSuchBucketPolicy', 'The bucket policy does not exist'), 'GetBucketPolicyStatus'],
  'GET lifecycle': [absent('NoSuchLifecycleConfiguration', 'The lifecycle configuration does not exist'), 'GetLifecycleConfiguration'],
  'GET website': [absent('NoSuchWebsiteConfiguration', 'The specified bucket does not have a website configuration'), 'GetBucketWebsite'],
  'GET replication': [
    absent('ReplicationConfigurationNotFoundError', 'The replication configuration was not found'),
    'GetReplicationConfiguration',
  ],
  'GET object-lock': [
    absent('ObjectLockConfigurationNotFoundError', 'Object Lock configuration does not exist for this bucket'),
    'GetBucketObjectLockConfiguration',
  ],
  'GET publicAccessBlock': [
    absent('NoSuchPublicAccessBlockConfiguration', 'The public access block configuration was not found'),
    'GetBucketPublicAccessBlock',
  ],
  'GET ownershipControls': [
    absent('OwnershipControlsNotFoundError', 'The bucket ownership controls were not found'),
    'GetBucketOwnershipControls',
  ],
  'GET encryption': [
    absent('ServerSideEncryptionConfigurationNotFoundError', 'The server side encryption configuration was not found'),
    'GetEncryptionConfiguration',
  ],
};

const OBJECT: Readonly<Record<string, Entry>> = {
  'GET ': [getObject, 'GetObject'],
  'HEAD ': [headObject, 'GetObject'],
  'PUT ': [putObject, 'PutObject'],
  'PUT copy': [copyObject, 'PutObject'],
  'DELETE ': [deleteObject, 'DeleteObject'],
  'GET attributes': [getObjectAttributes, 'GetObjectAttributes'],
  'POST uploads': [createUpload, 'PutObject'],
  'GET uploadId': [listParts, 'ListMultipartUploadParts'],
  'PUT uploadId': [uploadPart, 'PutObject'],
  'PUT uploadId copy': [uploadPartCopy, 'PutObject'],
  'POST uploadId': [completeUpload, 'PutObject'],
  'DELETE uploadId': [abortUpload, 'AbortMultipartUpload'],
  'GET tagging': [getObjectTagging, 'GetObjectTagging'],
  'PUT tagging': [putObjectTagging, 'PutObjectTagging'],
  'DELETE tagging': [deleteObjectTagging, 'DeleteObjectTagging'],
  'GET acl': [getAcl, 'GetObjectAcl'],
  'PUT acl': [putAcl, 'PutObjectAcl'],
};

/** All that is asked for here or while an operation runs, in IAM's names. */
export const S3_ACTIONS: readonly string[] = [
  ...new Set([...Object.values(BUCKET), ...Object.values(OBJECT)].flatMap(([, action]) => action ?? [])),
  'ListAllMyBuckets',
].flatMap((action) => [...new Set([action, versioned(action, '')])].map((name) => `s3:${name}`));

/** Query parameters that name a part of a bucket or object; whatever else is in a query steers the operation. */
const SUBRESOURCES = [
  'accelerate',
  'acl',
  'analytics',
  'attributes',
  'cors',
  'delete',
  'encryption',
  'intelligent-tiering',
  'inventory',
  'legal-hold',
  'lifecycle',
  'list-type',
  'location',
  'logging',
  'metadataConfiguration',
  'metadataTable',
  'metrics',
  'notification',
  'object-lock',
  'ownershipControls',
  'policy',
  'policyStatus',
  'publicAccessBlock',
  'replication',
  'requestPayment',
  'restore',
  'retention',
  'select',
  'session',
  'tagging',
  'torrent',
  'uploadId',
  'uploads',
  'versioning',
  'versions',
  'website',
] as const;

/** The operation that a request asks for, once its sender was found to be allowed it. Throws NotImplemented, MethodNotAllowed, AccessDenied. */
export function operationOf(r: S3Request): Operation {
  const [run, action] = entryOf(r);
  if (action !== null) permitAll(r, action);
  return run;
}

function entryOf(r: S3Request): Entry {
  const { method } = r;
  if (r.bucket === null) {
    if (method === 'GET') return [listBuckets, 'ListAllMyBuckets'];
    throw notAllowed(r);
  }
  const subresource = SUBRESOURCES.find((s) => r.query.has(s)) ?? '';
  const copy =
    method === 'PUT' &&
    r.key !== null &&
    header(r, 'x-amz-copy-source') !== undefined &&
    (subresource === '' || subresource === 'uploadId');
  const name = [subresource, copy ? 'copy' : ''].filter((part) => part !== '').join(' ');
  const table = r.key === null ? BUCKET : OBJECT;
  const entry = table[`${method} ${name}`];
  if (entry !== undefined) return entry;
  if (subresource === '') throw notAllowed(r);
  throw new HearthError('NotImplemented', 'A header you provided implies functionality that is not implemented', {
    details: { Resource: subresource, Method: method },
  });
}

function notAllowed(r: S3Request): HearthError {
  return new HearthError('MethodNotAllowed', 'The specified method is not allowed against this resource.', {
    details: { Method: r.method, ResourceType: r.key === null ? 'BUCKET' : 'OBJECT' },
  });
}
