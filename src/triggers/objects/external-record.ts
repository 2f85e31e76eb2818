import { z } from 'zod';
import { HearthError } from '../../errors.ts';
import { queryEscape } from '../../objects/events/query-escape.ts';

/** A record of S3's notification, as far as it steers something; the rest is passed on as it came. */
const record = z.looseObject({
  eventName: z.string(),
  eventSource: z.string().nullish(),
  eventTime: z.string().nullish(),
  s3: z.looseObject({
    configurationId: z.string().nullish(),
    bucket: z.looseObject({ name: z.string() }),
    object: z.looseObject({
      key: z.string(),
      // Of what was removed there may be none: left out, or null (versitygw).
      size: z.number().nullish(),
      eTag: z.string().nullish(),
      versionId: z.string().nullish(),
      sequencer: z.string().nullish(),
    }),
  }),
});

/** RustFS's records were wrapped, `{bucket_name, object_name, event_name, data}`, in the versions that sent the queue's own entries. */
const wrapped = z.preprocess((given) => {
  const data = (given as { readonly data?: unknown } | null)?.data;
  return typeof data === 'object' && data !== null && 's3' in data ? data : given;
}, record);

/** As S3 has it; without records: a test event. */
const body = z.looseObject({ Records: z.array(wrapped).optional() });

/** What another store says has happened to an object. */
export interface ExternalRecord {
  /** Without `s3:` before it. */
  readonly eventName: string;
  /** Milliseconds since the epoch; null when the store does not say. */
  readonly atMs: number | null;
  readonly bucket: string;
  /** As the object is called. */
  readonly key: string;
  readonly size: number;
  readonly etag: string;
  readonly versionId: string | null;
  readonly sequencer: string;
  /** As it came, with the key encoded as S3 does. */
  readonly record: Readonly<Record<string, unknown>>;
  /** What makes it the same event when it is sent again. */
  readonly identity: string;
}

/** Reads a notification of S3, MinIO, RustFS, versitygw or Ceph; a test event has no records. Throws InvalidRequestContentException. */
export function parseNotification(bytes: Buffer): ExternalRecord[] {
  let document: unknown;
  try {
    document = JSON.parse(bytes.toString('utf8'));
  } catch (error) {
    throw new HearthError('InvalidRequestContentException', `the body is not JSON: ${(error as Error).message}`, { cause: error });
  }
  // versitygw's first versions sent the list alone.
  const parsed = body.safeParse(Array.isArray(document) ? { Records: document as unknown[] } : document);
  if (parsed.success) return (parsed.data.Records ?? []).map(read);
  const [issue] = parsed.error.issues;
  throw new HearthError('InvalidRequestContentException', `not an event of S3: ${issue?.path.join('.') ?? ''}: ${issue?.message ?? ''}`);
}

function read(given: z.output<typeof record>): ExternalRecord {
  const { object, bucket } = given.s3;
  const key = keyOf(given);
  const eventName = given.eventName.replace(/^s3:/, '');
  const parsedMs = Date.parse(given.eventTime ?? '');
  const [etag, sequencer, versionId] = [object.eTag ?? '', object.sequencer ?? '', object.versionId ?? ''];
  return {
    eventName,
    atMs: Number.isNaN(parsedMs) ? null : parsedMs,
    bucket: bucket.name,
    key,
    size: object.size ?? 0,
    etag,
    versionId: versionId === '' ? null : versionId, // Ceph says '' where there are no versions
    sequencer,
    record: isEncoded(given) ? given : { ...given, s3: { ...given.s3, object: { ...object, key: queryEscape(key) } } },
    identity: [bucket.name, key, eventName, given.eventTime ?? '', sequencer, versionId, etag].join('\0'),
  };
}

/** Whether the key is encoded as in a form, as S3, MinIO and RustFS do. */
function isEncoded(given: z.output<typeof record>): boolean {
  return given.eventSource !== 'ceph:s3' && given.s3.configurationId !== VERSITYGW;
}

/** What versitygw calls its webhook in every record. */
const VERSITYGW = 'webhook-global';

/** Ceph sends keys as they are, versitygw as they were in the path; the others as in a form. One that can't be decoded is taken as it is. */
function keyOf(given: z.output<typeof record>): string {
  const { key } = given.s3.object;
  if (given.eventSource === 'ceph:s3') return key;
  try {
    return decodeURIComponent(isEncoded(given) ? key.replaceAll('+', ' ') : key);
  } catch {
    return key;
  }
}
