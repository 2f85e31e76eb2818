import { z } from 'zod';
import { HearthError } from '../../errors.ts';
import { checkAsked, checkRedrive, differing, isFifo, QUEUE_DEFAULTS, shownAttributes, withAttributes } from '../attributes.ts';
import { parsed, queueOf, queueUrl, urlOf, whole, type SqsOperation } from './operation.ts';

const NAME = /^[a-zA-Z0-9-_]{1,80}$/;
const FIFO_NAME = /^[a-zA-Z0-9-_]{1,75}\.fifo$/;

const texts = z.record(z.string(), z.string());
const PAGE = 1_000;

const createQueue: SqsOperation = async (call, deps) => {
  const input = parsed(z.object({ QueueName: z.string(), Attributes: texts.optional(), tags: texts.optional() }), call.input);
  const given = input.Attributes ?? {};
  const fifo = input.QueueName.endsWith('.fifo');
  if (!(fifo ? FIFO_NAME : NAME).test(input.QueueName))
    throw new HearthError('InvalidParameterValue', 'Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length.');
  if (fifo !== isFifo(given))
    throw new HearthError(
      'InvalidParameterValue',
      'The name of a FIFO queue can only include alphanumeric characters, hyphens, or underscores, must end with .fifo suffix and be 1 to 80 in length.',
    );
  const attributes = withAttributes({ ...QUEUE_DEFAULTS, fifo }, given);
  checkRedrive(attributes, (arn) => deps.queues.byArn(arn));
  const queue = await deps.queues.create(input.QueueName, {
    attributes,
    tags: input.tags ?? {},
    same(present) {
      const attribute = differing(present, given);
      if (attribute === null) return true;
      throw new HearthError(
        'QueueNameExists',
        `A queue already exists with the same name and a different value for attribute ${attribute}`,
      );
    },
  });
  return { QueueUrl: urlOf(queue, call, deps) };
};

const getQueueUrl: SqsOperation = async (call, deps) => {
  const shape = z.object({ QueueName: z.string(), QueueOwnerAWSAccountId: z.string().optional() });
  const { QueueName, QueueOwnerAWSAccountId: owner = deps.scope.accountId } = parsed(shape, call.input);
  if (owner !== deps.scope.accountId) throw new HearthError('QueueDoesNotExist', 'The specified queue does not exist.');
  return { QueueUrl: urlOf(deps.queues.require(QueueName), call, deps) };
};

const listQueues: SqsOperation = async (call, deps) => {
  const shape = z.object({
    QueueNamePrefix: z.string().optional(),
    MaxResults: whole(1, PAGE, `MaxResults must be an integer between 1 and ${PAGE}`),
    NextToken: z.string().optional(),
  });
  const { QueueNamePrefix = '', MaxResults, NextToken = '' } = parsed(shape, call.input);
  const found = deps.queues.list().filter((q) => q.name.startsWith(QueueNamePrefix) && q.name > NextToken);
  const page = found.slice(0, MaxResults ?? PAGE);
  const more = MaxResults !== undefined && found.length > page.length ? { NextToken: page.at(-1)?.name } : {};
  return { ...(page.length === 0 ? {} : { QueueUrls: page.map((q) => urlOf(q, call, deps)) }), ...more };
};

const getQueueAttributes: SqsOperation = async (call, deps) => {
  const input = parsed(queueUrl.extend({ AttributeNames: z.array(z.string()).optional() }), call.input);
  const queue = queueOf(input.QueueUrl, deps);
  checkAsked(input.AttributeNames ?? []);
  const wanted = new Set(input.AttributeNames);
  if (wanted.size === 0) return {};
  const depth = await deps.queues.store.depth(queue.queueId);
  const all: Record<string, string> = {
    ...shownAttributes(queue, deps.queues.arn(queue)),
    ApproximateNumberOfMessages: String(depth.visible),
    ApproximateNumberOfMessagesNotVisible: String(depth.inFlight),
    ApproximateNumberOfMessagesDelayed: String(depth.delayed),
  };
  const found = wanted.has('All') ? all : Object.fromEntries(Object.entries(all).filter(([name]) => wanted.has(name)));
  return Object.keys(found).length === 0 ? {} : { Attributes: found };
};

const setQueueAttributes: SqsOperation = async (call, deps) => {
  const input = parsed(queueUrl.extend({ Attributes: texts }), call.input);
  const queue = queueOf(input.QueueUrl, deps);
  await deps.queues.change(queue.name, (present) => {
    const attributes = withAttributes(present.attributes, input.Attributes);
    // One that was set before may have lost its queue since: only what is being set is judged.
    if (input.Attributes['RedrivePolicy'] !== undefined) checkRedrive(attributes, (arn) => deps.queues.byArn(arn));
    return { attributes };
  });
  return {};
};

const deleteQueue: SqsOperation = async (call, deps) => {
  await deps.queues.remove(queueOf(parsed(queueUrl, call.input).QueueUrl, deps).name);
  return {};
};

const purgeQueue: SqsOperation = async (call, deps) => {
  await deps.queues.store.purge(queueOf(parsed(queueUrl, call.input).QueueUrl, deps).queueId);
  return {};
};

const listQueueTags: SqsOperation = async (call, deps) => {
  const { tags } = queueOf(parsed(queueUrl, call.input).QueueUrl, deps);
  return Object.keys(tags).length === 0 ? {} : { Tags: tags };
};

const tagQueue: SqsOperation = async (call, deps) => {
  const input = parsed(queueUrl.extend({ Tags: texts }), call.input);
  await deps.queues.change(queueOf(input.QueueUrl, deps).name, (present) => ({ tags: { ...present.tags, ...input.Tags } }));
  return {};
};

const untagQueue: SqsOperation = async (call, deps) => {
  const input = parsed(queueUrl.extend({ TagKeys: z.array(z.string()) }), call.input);
  await deps.queues.change(queueOf(input.QueueUrl, deps).name, (present) => ({
    tags: Object.fromEntries(Object.entries(present.tags).filter(([key]) => !input.TagKeys.includes(key))),
  }));
  return {};
};

const listDeadLetterSourceQueues: SqsOperation = async (call, deps) => {
  const arn = deps.queues.arn(queueOf(parsed(queueUrl, call.input).QueueUrl, deps));
  const sources = deps.queues.list().filter((q) => q.attributes.redrive?.deadLetterTargetArn === arn);
  return { queueUrls: sources.map((q) => urlOf(q, call, deps)) };
};

export const QUEUE_OPERATIONS: Readonly<Record<string, SqsOperation>> = {
  CreateQueue: createQueue,
  GetQueueUrl: getQueueUrl,
  ListQueues: listQueues,
  GetQueueAttributes: getQueueAttributes,
  SetQueueAttributes: setQueueAttributes,
  DeleteQueue: deleteQueue,
  PurgeQueue: purgeQueue,
  ListQueueTags: listQueueTags,
  TagQueue: tagQueue,
  UntagQueue: untagQueue,
  ListDeadLetterSourceQueues: listDeadLetterSourceQueues,
};
