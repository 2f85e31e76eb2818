import type { ReceivedMessage } from '../../model/queue.ts';

/** One message as Lambda gives it to a function. */
export interface SqsRecord {
  readonly messageId: string;
  readonly receiptHandle: string;
  readonly body: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly messageAttributes: Readonly<Record<string, unknown>>;
  readonly md5OfMessageAttributes?: string;
  readonly md5OfBody: string;
  readonly eventSource: 'aws:sqs';
  readonly eventSourceARN: string;
  readonly awsRegion: string;
}

export function sqsRecord(m: ReceivedMessage, of: { attributes: Record<string, string>; queueArn: string }): SqsRecord {
  const own = Object.entries(m.attributes).map(([name, a]) => [
    name,
    {
      ...(a.StringValue === undefined ? {} : { stringValue: a.StringValue }),
      ...(a.BinaryValue === undefined ? {} : { binaryValue: a.BinaryValue }),
      stringListValues: [],
      binaryListValues: [],
      dataType: a.DataType,
    },
  ]);
  return {
    messageId: m.messageId,
    receiptHandle: m.receipt,
    body: m.body,
    attributes: of.attributes,
    messageAttributes: Object.fromEntries(own) as Record<string, unknown>,
    ...(m.md5Attributes === null ? {} : { md5OfMessageAttributes: m.md5Attributes }),
    md5OfBody: m.md5Body,
    eventSource: 'aws:sqs',
    eventSourceARN: of.queueArn,
    awsRegion: of.queueArn.split(':')[3] ?? '',
  };
}

/** A record as filters see it: its body is JSON where it is. */
export function filtered(record: SqsRecord): Record<string, unknown> {
  let body: unknown = record.body;
  try {
    body = JSON.parse(record.body);
  } catch {
    // Text, then.
  }
  return { ...record, body };
}
