import { z } from 'zod';
import { HearthError } from '../../errors.ts';
import type { Queue } from '../../model/queue.ts';
import type { MoveTask } from '../move-tasks.ts';
import { parsed, type SqsDeps, type SqsOperation } from './operation.ts';

const startMessageMoveTask: SqsOperation = async (call, deps) => {
  const shape = z.object({
    SourceArn: z.string(),
    DestinationArn: z.string().optional(),
    MaxNumberOfMessagesPerSecond: z.int().min(1).max(500).optional(),
  });
  const input = parsed(shape, call.input);
  const from = queueWith('SourceArn', input.SourceArn, deps);
  const feeds = deps.queues.list().some((q) => q.attributes.redrive?.deadLetterTargetArn === input.SourceArn);
  if (!feeds) throw new HearthError('InvalidParameterValue', 'Source queue must be configured as a Dead Letter Queue.');
  const to = input.DestinationArn === undefined ? null : queueWith('DestinationArn', input.DestinationArn, deps);
  if (to?.queueId === from.queueId)
    throw new HearthError(
      'InvalidParameterValue',
      'The destination is the source: give another queue, or none for the queues that the messages came from.',
    );
  if (to !== null && to.attributes.fifo !== from.attributes.fifo)
    throw new HearthError(
      'InvalidParameterValue',
      `The destination is a ${typeOf(to)} queue and the source a ${typeOf(from)} one: messages of one type are none of the other.`,
    );
  const task = await deps.queues.moves.start({ handle: deps.ids.uuid(), from, to, perSecond: input.MaxNumberOfMessagesPerSecond ?? null });
  return { TaskHandle: task.handle };
};

const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

const cancelMessageMoveTask: SqsOperation = async (call, deps) => {
  const { TaskHandle } = parsed(z.object({ TaskHandle: z.string() }), call.input);
  if (!UUID.test(TaskHandle)) throw new HearthError('InvalidParameterValue', 'Value for parameter TaskHandle is invalid.');
  return { ApproximateNumberOfMessagesMoved: (await deps.queues.moves.cancel(TaskHandle)).moved };
};

const listMessageMoveTasks: SqsOperation = async (call, deps) => {
  const input = parsed(z.object({ SourceArn: z.string(), MaxResults: z.int().min(1).max(10).optional() }), call.input);
  const tasks = deps.queues.moves.of(queueWith('SourceArn', input.SourceArn, deps)).slice(0, input.MaxResults ?? 1);
  return { Results: tasks.map((task) => shown(task, deps)) };
};

function shown(task: MoveTask, { queues }: SqsDeps): Record<string, unknown> {
  return {
    ...(task.status === 'RUNNING' ? { TaskHandle: task.handle } : {}),
    Status: task.status,
    SourceArn: queues.arn(task.from),
    ...(task.to === null ? {} : { DestinationArn: queues.arn(task.to) }),
    ...(task.perSecond === null ? {} : { MaxNumberOfMessagesPerSecond: task.perSecond }),
    ApproximateNumberOfMessagesMoved: task.moved,
    ApproximateNumberOfMessagesToMove: task.planned,
    ...(task.failure === null ? {} : { FailureReason: task.failure }),
    StartedTimestamp: task.startedAtMs,
  };
}

function typeOf({ attributes }: Queue): string {
  return attributes.fifo ? 'FIFO' : 'standard';
}

function queueWith(parameter: string, arn: string, { queues }: SqsDeps): Queue {
  const queue = queues.byArn(arn);
  if (queue === null)
    throw new HearthError('ResourceNotFoundException', `The resource that you specified for the ${parameter} parameter doesn't exist.`);
  return queue;
}

export const MOVE_OPERATIONS: Readonly<Record<string, SqsOperation>> = {
  StartMessageMoveTask: startMessageMoveTask,
  CancelMessageMoveTask: cancelMessageMoveTask,
  ListMessageMoveTasks: listMessageMoveTasks,
};
