import { z } from 'zod';
import { HearthError } from '../../errors.ts';
import type { Ids } from '../../lib/ids.ts';
import type { Queue } from '../../model/queue.ts';
import type { Queues } from '../queues.ts';

export interface SqsDeps {
  readonly queues: Queues;
  readonly ids: Ids;
  readonly scope: { readonly accountId: string; readonly region: string };
}

/** One call. */
export interface SqsCall {
  readonly input: unknown;
  /** `http://HOST:PORT` as the caller knows this server. */
  readonly endpoint: string;
  /** Who signed. */
  readonly sender: string;
  readonly traceHeader: string | undefined;
  /** Aborted when the caller goes. */
  readonly signal: AbortSignal;
}

/** One operation of SQS. Throws HearthError. */
export type SqsOperation = (call: SqsCall, deps: SqsDeps) => Promise<Record<string, unknown>>;

/** Reads the input. Throws MissingParameter or InvalidParameterValue. */
export function parsed<S extends z.ZodType>(shape: S, input: unknown): z.output<S> {
  const result = shape.safeParse(input);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  const name = issue?.path.join('.') ?? '';
  if (issue?.code === 'invalid_type' && issue.message.includes('received undefined'))
    throw new HearthError('MissingParameter', `The request must contain the parameter ${name}.`);
  const given = (issue?.path ?? []).reduce<unknown>((at, key) => (at as Record<PropertyKey, unknown> | null | undefined)?.[key], input);
  const value = typeof given === 'string' || typeof given === 'number' ? `Value ${given}` : 'Value';
  throw new HearthError('InvalidParameterValue', `${value} for parameter ${name} is invalid. Reason: ${issue?.message ?? 'unknown'}.`);
}

/** A whole number that may be left out, and what is said of another. */
export function whole(least: number, most: number, otherwise: string) {
  return z.int(otherwise).min(least, otherwise).max(most, otherwise).optional();
}

export const queueUrl = z.object({ QueueUrl: z.string() });

/** The queue that a URL means, whatever host it names: the server may be reached by several. A name alone will do, as on SQS. */
export function queueOf(url: string, { queues, scope }: SqsDeps): Queue {
  const parts = url.replace(/\?.*$/, '').split('/').slice(-2);
  const [account, name] = parts.length === 1 ? [scope.accountId, ...parts] : parts;
  if (name === undefined || account !== scope.accountId) throw new HearthError('QueueDoesNotExist', 'The specified queue does not exist.');
  return queues.require(name);
}

/** Where an operation's input has the queue that it is on; in `QueueUrl` unless it is here. */
const NAMED_BY: Readonly<Record<string, string>> = {
  CreateQueue: 'QueueName',
  GetQueueUrl: 'QueueName',
  ListQueues: '',
  StartMessageMoveTask: 'SourceArn',
  ListMessageMoveTasks: 'SourceArn',
  CancelMessageMoveTask: '',
};

/**
 * The ARN of the queue that an operation is on, for statements; of all queues where it is on no one. Only the member that the operation reads counts: others
 * may name any queue. Whether it is there is nobody's business yet.
 */
export function resourceOf(action: string, input: unknown, { queues }: SqsDeps): string {
  const member = NAMED_BY[action] ?? 'QueueUrl';
  const named = ((input ?? {}) as Readonly<Record<string, unknown>>)[member];
  if (typeof named !== 'string') return queues.arn({ name: '*' });
  if (member === 'SourceArn') return named;
  return queues.arn({ name: named.replace(/\?.*$/, '').split('/').at(-1) ?? '' });
}

export function urlOf(queue: Pick<Queue, 'name'>, { endpoint }: SqsCall, { scope }: SqsDeps): string {
  return `${endpoint}/${scope.accountId}/${queue.name}`;
}
