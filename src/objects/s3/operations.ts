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
import { header, type S3Request } from './request.ts';

const BUCKET: Readonly<Record<string, Operation>> = {
  'PUT ': createBucket,
  'HEAD ': headBucket,
  'DELETE ': deleteBucket,
  'GET ': listObjects,
  'GET list-type': listObjectsV2,
  'GET versions': listObjectVersions,
  'GET uploads': listUploads,
  'POST delete': deleteObjects,
  'GET location': getBucketLocation,
  'GET versioning': getVersioning,
  'PUT versioning': putVersioning,
  'GET notification': getNotification,
  'PUT notification': putNotification,
  'GET cors': getCors,
  'PUT cors': putCors,
  'DELETE cors': deleteCors,
  'GET tagging': getBucketTagging,
  'PUT tagging': putBucketTagging,
  'DELETE tagging': deleteBucketTagging,
  'GET acl': getAcl,
  'PUT acl': putAcl,
  'GET requestPayment': getRequestPayment,
  'GET accelerate': emptyConfiguration('AccelerateConfiguration'),
  'GET logging': emptyConfiguration('BucketLoggingStatus'),
  'GET policy': absent('NoSuchBucketPolicy', 'The bucket policy does not exist'),
  'GET policyStatus': absent('NoSuchBucketPolicy', 'The bucket policy does not exist'),
  'GET lifecycle': absent('NoSuchLifecycleConfiguration', 'The lifecycle configuration does not exist'),
  'GET website': absent('NoSuchWebsiteConfiguration', 'The specified bucket does not have a website configuration'),
  'GET replication': absent('ReplicationConfigurationNotFoundError', 'The replication configuration was not found'),
  'GET object-lock': absent('ObjectLockConfigurationNotFoundError', 'Object Lock configuration does not exist for this bucket'),
  'GET publicAccessBlock': absent('NoSuchPublicAccessBlockConfiguration', 'The public access block configuration was not found'),
  'GET ownershipControls': absent('OwnershipControlsNotFoundError', 'The bucket ownership controls were not found'),
  'GET encryption': absent('ServerSideEncryptionConfigurationNotFoundError', 'The server side encryption configuration was not found'),
};

const OBJECT: Readonly<Record<string, Operation>> = {
  'GET ': getObject,
  'HEAD ': headObject,
  'PUT ': putObject,
  'PUT copy': copyObject,
  'DELETE ': deleteObject,
  'GET attributes': getObjectAttributes,
  'POST uploads': createUpload,
  'GET uploadId': listParts,
  'PUT uploadId': uploadPart,
  'PUT uploadId copy': uploadPartCopy,
  'POST uploadId': completeUpload,
  'DELETE uploadId': abortUpload,
  'GET tagging': getObjectTagging,
  'PUT tagging': putObjectTagging,
  'DELETE tagging': deleteObjectTagging,
  'GET acl': getAcl,
  'PUT acl': putAcl,
};

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

/** The operation that a request asks for. Throws NotImplemented, MethodNotAllowed. */
export function operationOf(r: S3Request): Operation {
  const { method } = r;
  if (r.bucket === null) {
    if (method === 'GET') return listBuckets;
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
  const operation = table[`${method} ${name}`];
  if (operation !== undefined) return operation;
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
