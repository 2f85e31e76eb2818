import {
  CreateQueueCommand,
  DeleteMessageCommand,
  DeleteQueueCommand,
  GetQueueAttributesCommand,
  ReceiveMessageCommand,
  type Message,
} from '@aws-sdk/client-sqs';
import { asRecorded } from './clients.ts';
import type { Answer } from './call.ts';
import type { Replay } from './replay.ts';

/** A queue that a recording needs; it goes with the recording. */
export interface ReplayQueue {
  readonly url: string;
  readonly arn: string;
}

export async function makeQueue(r: Replay, Attributes: Record<string, string> = {}): Promise<ReplayQueue> {
  const QueueName = r.name('queue') + (Attributes['FifoQueue'] === 'true' ? '.fifo' : '');
  const { sqs } = r.server.clients;
  const { QueueUrl = '' } = await sqs.send(new CreateQueueCommand({ QueueName, Attributes }));
  r.atEnd(() => sqs.send(new DeleteQueueCommand({ QueueUrl })));
  const { Attributes: shown } = await sqs.send(new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ['QueueArn'] }));
  return { url: QueueUrl, arn: shown?.['QueueArn'] ?? '' };
}

/** How long a message is waited for; after an event's two retries, longer. */
const LIMIT_MS = 60_000;
export const AFTER_RETRIES_MS = 210_000;

/** The next message of a queue, received and deleted, as ReceiveMessage answers it. Throws when none comes. */
export async function receiveOne(
  r: Replay,
  { url: QueueUrl }: ReplayQueue,
  o: { system?: boolean; limitMs?: number } = {},
): Promise<Answer> {
  const { sqs } = r.server.clients;
  const names = o.system === true ? { MessageSystemAttributeNames: ['All' as const] } : {};
  for (const until = Date.now() + (o.limitMs ?? LIMIT_MS); Date.now() < until;) {
    const answer = await asRecorded(sqs.send(new ReceiveMessageCommand({ QueueUrl, WaitTimeSeconds: 20, ...names })));
    const [message] = (answer['Messages'] as Message[] | undefined) ?? [];
    if (message === undefined) continue;
    await sqs.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle: message.ReceiptHandle }));
    return answer;
  }
  throw new Error('no message came');
}

/** The one message of a ReceiveMessage answer. */
export function messageOf(answer: Answer): Message {
  const [message] = answer['Messages'] as Message[];
  if (message === undefined) throw new Error('the answer has no message');
  return message;
}
