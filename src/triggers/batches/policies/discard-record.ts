/** A record of a batch, as far as it steers something. */
export interface BatchRecord {
  readonly eventID: string;
  readonly source: { readonly ts_ms: number };
}

/** What is known of records that were given up. */
export interface DiscardFacts {
  readonly nowMs: number;
  readonly requestId: string;
  /** With its qualifier, if it was asked for with one. */
  readonly functionArn: string;
  readonly condition: 'RetryAttemptsExhausted' | 'RecordAgeExceeded';
  readonly invokeCount: number;
  /** Of the last attempt; null when there was none. */
  readonly response: { readonly executedVersion: string; readonly functionError: string | null } | null;
  readonly streamArn: string;
  readonly shard: string;
  readonly records: readonly BatchRecord[];
}

/** Most bytes of records that are put into the record itself: with them it is still a message of a queue. */
const PAYLOAD_BYTES = 900_000;

/**
 * What Lambda sends to the OnFailure destination of a stream's mapping. Its `payload`, the event as JSON text, is Lambda's for buckets only; here it is always there unless
 * it is too large, since no stream keeps the records.
 */
export function discardRecord(facts: DiscardFacts): Buffer {
  const { records, response } = facts;
  const [first, last] = [records[0], records.at(-1)];
  const payload = JSON.stringify({ Records: records });
  const at = (record: BatchRecord | undefined): string => new Date(record?.source.ts_ms ?? facts.nowMs).toISOString();
  const document = {
    requestContext: {
      requestId: facts.requestId,
      functionArn: facts.functionArn,
      condition: facts.condition,
      approximateInvokeCount: facts.invokeCount,
    },
    ...(response === null
      ? {}
      : {
          responseContext: {
            statusCode: 200,
            executedVersion: response.executedVersion,
            ...(response.functionError === null ? {} : { functionError: response.functionError }),
          },
        }),
    version: '1.0',
    timestamp: new Date(facts.nowMs).toISOString(),
    TableStreamBatchInfo: {
      shardId: facts.shard,
      startSequenceNumber: first?.eventID,
      endSequenceNumber: last?.eventID,
      approximateArrivalOfFirstRecord: at(first),
      approximateArrivalOfLastRecord: at(last),
      batchSize: records.length,
      streamArn: facts.streamArn,
    },
    ...(Buffer.byteLength(payload) > PAYLOAD_BYTES ? {} : { payload }),
  };
  return Buffer.from(JSON.stringify(document));
}
