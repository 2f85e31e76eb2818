import { queryEscape } from './query-escape.ts';
import { sequencer, type Happening } from './happening.ts';
import type { BusEvent } from '../../model/event-rule.ts';
import type { EventShape } from './notification.ts';

/** What an event says of where it happened. */
export interface Place {
  readonly accountId: string;
  readonly region: string;
}

/** The event's JSON in the shape that a target wants. `configurationId`: the id of what asked for it. */
export function shaped(shape: EventShape, h: Happening, o: Place & { id: string; configurationId: string }): unknown {
  switch (shape) {
    case 's3':
      return s3Event(h, o);
    case 'eventbridge':
      return eventBridgeEvent(h, o);
    case 'cloudevents':
      return cloudEvent(h, o);
  }
}

/** S3's notification, version 2.1. */
function s3Event(h: Happening, o: Place & { configurationId: string }): unknown {
  const created = h.name.startsWith('ObjectCreated');
  const marker = h.name === 'ObjectRemoved:DeleteMarkerCreated';
  return {
    Records: [
      {
        eventVersion: '2.1',
        eventSource: 'aws:s3',
        awsRegion: o.region,
        eventTime: new Date(h.atMs).toISOString(),
        eventName: h.name,
        userIdentity: { principalId: h.cause.principal },
        requestParameters: { sourceIPAddress: h.cause.sourceIp },
        responseElements: { 'x-amz-request-id': h.cause.requestId, 'x-amz-id-2': h.cause.requestId },
        s3: {
          s3SchemaVersion: '1.0',
          configurationId: o.configurationId,
          bucket: {
            name: h.bucket.name,
            ownerIdentity: { principalId: o.accountId },
            arn: `arn:aws:s3:::${h.bucket.name}`,
          },
          object: {
            key: queryEscape(h.key),
            ...(created ? { size: h.size } : {}),
            ...(created || marker || h.name.startsWith('ObjectTagging') ? { eTag: h.etag } : {}),
            ...(h.versionId === null ? {} : { versionId: h.versionId }),
            sequencer: sequencer(h.sequence),
          },
        },
      },
    ],
  };
}

const DETAIL_TYPES: Readonly<Record<string, string>> = {
  ObjectCreated: 'Object Created',
  ObjectRemoved: 'Object Deleted',
  'ObjectTagging:Put': 'Object Tags Added',
  'ObjectTagging:Delete': 'Object Tags Deleted',
};

const REASONS: Readonly<Record<string, string>> = {
  'ObjectCreated:Put': 'PutObject',
  'ObjectCreated:Post': 'POST Object',
  'ObjectCreated:Copy': 'CopyObject',
  'ObjectCreated:CompleteMultipartUpload': 'CompleteMultipartUpload',
  'ObjectRemoved:Delete': 'DeleteObject',
  'ObjectRemoved:DeleteMarkerCreated': 'DeleteObject',
};

/** EventBridge's event of source `aws.s3`: the key is not encoded there. */
export function eventBridgeEvent(h: Happening, o: Place & { id: string }): BusEvent {
  const kind = h.name.split(':')[0] ?? '';
  const removed = kind === 'ObjectRemoved';
  const deletion = h.name.endsWith('DeleteMarkerCreated') ? 'Delete Marker Created' : 'Permanently Deleted';
  const reason = REASONS[h.name];
  return {
    version: '0',
    id: o.id,
    'detail-type': DETAIL_TYPES[kind] ?? DETAIL_TYPES[h.name] ?? h.name,
    source: 'aws.s3',
    account: o.accountId,
    time: new Date(h.atMs).toISOString().replace(/\.\d{3}Z$/, 'Z'),
    region: o.region,
    resources: [`arn:aws:s3:::${h.bucket.name}`],
    detail: {
      version: '0',
      bucket: { name: h.bucket.name },
      object: {
        key: h.key,
        ...(removed ? {} : { size: h.size }),
        ...(h.etag === '' ? {} : { etag: h.etag }),
        ...(h.versionId === null ? {} : { 'version-id': h.versionId }),
        sequencer: sequencer(h.sequence),
      },
      'request-id': h.cause.requestId,
      requester: o.accountId,
      'source-ip-address': h.cause.sourceIp,
      ...(reason === undefined ? {} : { reason }),
      ...(removed ? { 'deletion-type': deletion } : {}),
    },
  };
}

/** A CloudEvent after the adapter for S3 of the CloudEvents specification: its data is S3's record. */
function cloudEvent(h: Happening, o: Place & { id: string; configurationId: string }): unknown {
  const { Records } = s3Event(h, o) as { Records: unknown[] };
  return {
    specversion: '1.0',
    id: o.id,
    source: `aws:s3.${o.region}.${h.bucket.name}`,
    type: `com.amazonaws.s3.${h.name}`,
    subject: h.key,
    time: new Date(h.atMs).toISOString(),
    datacontenttype: 'application/json',
    data: Records[0],
  };
}
