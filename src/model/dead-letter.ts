import type { DeliveryPolicy, NewDelivery } from './delivery.ts';
import { parseDestination } from './destination.ts';
import type { FunctionVersion } from './function-version.ts';
import type { MessageAttribute } from './queue.ts';

/** Lambda's bound of an error message in a dead letter, bytes. */
const MESSAGE_BYTES = 1_024;

/** Characters that no message of a queue may have. */
// eslint-disable-next-line no-control-regex -- these are the characters meant
const FORBIDDEN = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]|\p{Surrogate}/gu;

/** Why an event was given up, as its dead letter says it. */
export interface DeadLetterReason {
  readonly requestId: string;
  /** HTTP status of the last attempt: 200 when the function was reached and failed. */
  readonly code: number;
  readonly text: string;
}

/** The ARN in a version's DeadLetterConfig; '' when it has none. */
export function deadLetterArn(version: Pick<FunctionVersion, 'kept'> | null): string {
  return (version?.kept?.['DeadLetterConfig'] as { TargetArn?: string } | undefined)?.TargetArn ?? '';
}

/** The queue or function that an ARN means; null when it means neither. */
export function deadLetterTarget(arn: string) {
  if (!arn.startsWith('arn:')) return null;
  try {
    const target = parseDestination(arn);
    return target.kind === 'queue' || target.kind === 'function' ? target : null;
  } catch {
    return null;
  }
}

/** The message attributes that Lambda gives a dead letter. */
export function deadLetterAttributes(reason: DeadLetterReason): Readonly<Record<string, MessageAttribute>> {
  return {
    RequestID: { DataType: 'String', StringValue: reason.requestId },
    ErrorCode: { DataType: 'Number', StringValue: String(reason.code) },
    ErrorMessage: { DataType: 'String', StringValue: shortened(reason.text) },
  };
}

/** Why an event never reached the target of its rule or schedule. */
export interface UndeliveredReason {
  /** EventBridge's word for it: NO_RESOURCE, INTERNAL_ERROR. */
  readonly code: string;
  readonly message: string;
  readonly retries: number;
  /** Which bound of its RetryPolicy ended it; null: there was no point in another attempt. */
  readonly exhausted: 'MaximumRetryAttempts' | 'MaximumEventAgeInSeconds' | null;
}

/** The message attributes that EventBridge and Scheduler give what did not reach a target. */
export function undeliveredAttributes(
  of: Pick<NewDelivery, 'sourceArn' | 'occurredAtMs'>,
  { targetArn }: Pick<DeliveryPolicy, 'targetArn'>,
  why: UndeliveredReason,
): Readonly<Record<string, MessageAttribute>> {
  const scheduled = of.sourceArn.includes(':scheduler:');
  const scheduledAt = `${new Date(of.occurredAtMs).toISOString().slice(0, 19)}Z`;
  const texts: Record<string, string> = {
    ...(scheduled
      ? { SCHEDULE_ARN: of.sourceArn, SCHEDULED_TIME: scheduledAt, IS_PAYLOAD_TRUNCATED: 'false' }
      : { RULE_ARN: of.sourceArn }),
    TARGET_ARN: targetArn,
    ERROR_CODE: why.code,
    ERROR_MESSAGE: shortened(why.message),
    ...(why.exhausted === null ? {} : { EXHAUSTED_RETRY_CONDITION: why.exhausted }),
    RETRY_ATTEMPTS: String(why.retries),
  };
  return Object.fromEntries(Object.entries(texts).map(([name, StringValue]) => [name, { DataType: 'String', StringValue }]));
}

/** What Lambda gives, for a function, which has no message attributes: a client context's `custom`. */
export function deadLetterContext(reason: DeadLetterReason): string {
  return JSON.stringify({
    custom: { RequestID: reason.requestId, ErrorCode: String(reason.code), ErrorMessage: shortened(reason.text) },
  });
}

/** At most the bytes that are allowed, and never nothing, which a message attribute must not be. */
function shortened(text: string): string {
  const bytes = Buffer.from(text.replaceAll(FORBIDDEN, '\ufffd'));
  if (bytes.length <= MESSAGE_BYTES) return text === '' ? 'unknown' : bytes.toString();
  // A character that was cut in two comes out as U+FFFD.
  return bytes
    .subarray(0, MESSAGE_BYTES)
    .toString()
    .replace(/\ufffd+$/, '');
}
