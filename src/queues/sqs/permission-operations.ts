import { z } from 'zod';
import { HearthError } from '../../errors.ts';
import type { Queue } from '../../model/queue.ts';
import { withAttributes } from '../attributes.ts';
import { parsed, queueOf, queueUrl, type SqsDeps, type SqsOperation } from './operation.ts';

interface Policy {
  readonly Version: string;
  readonly Id: string;
  readonly Statement: readonly { readonly Sid?: string }[];
}

/** Adds a statement to a queue's policy, which is kept and given back; keys decide who may do what. */
const addPermission: SqsOperation = async (call, deps) => {
  const input = parsed(
    queueUrl.extend({
      Label: z.string().regex(/^[a-zA-Z0-9-_]{1,80}$/, 'up to 80 letters, digits, - or _'),
      AWSAccountIds: z.array(z.string().regex(/^\d{12}$/, 'the number of an account')).min(1),
      Actions: z.array(z.string().regex(/^(\*|[A-Za-z]+)$/, 'the name of an operation, or *')).min(1),
    }),
    call.input,
  );
  await changePolicy(input.QueueUrl, deps, (policy, arn) => {
    if (policy.Statement.some(({ Sid }) => Sid === input.Label)) throw wrongLabel(input.Label, 'Already exists.');
    const statement = {
      Sid: input.Label,
      Effect: 'Allow',
      Principal: { AWS: single(input.AWSAccountIds.map((id) => `arn:aws:iam::${id}:root`)) },
      Action: single(input.Actions.map((action) => `SQS:${action}`)),
      Resource: arn,
    };
    return [...policy.Statement, statement];
  });
  return {};
};

const removePermission: SqsOperation = async (call, deps) => {
  const { QueueUrl, Label } = parsed(queueUrl.extend({ Label: z.string() }), call.input);
  await changePolicy(QueueUrl, deps, ({ Statement }) => {
    const rest = Statement.filter(({ Sid }) => Sid !== Label);
    if (rest.length === Statement.length) throw wrongLabel(Label, "can't find label.");
    return rest;
  });
  return {};
};

/** Changes the statements of a queue's policy; without any it has none. */
async function changePolicy(url: string, deps: SqsDeps, change: (policy: Policy, arn: string) => readonly object[]): Promise<void> {
  const queue = queueOf(url, deps);
  const arn = deps.queues.arn(queue);
  await deps.queues.change(queue.name, (present) => {
    const policy = policyOf(present, arn);
    const Statement = change(policy, arn);
    const text = Statement.length === 0 ? '' : JSON.stringify({ ...policy, Statement });
    return { attributes: withAttributes(present.attributes, { Policy: text }) };
  });
}

function policyOf({ attributes }: Queue, arn: string): Policy {
  const given = JSON.parse(attributes.kept['Policy'] ?? '{}') as Partial<Policy>;
  return { Version: '2008-10-17', Id: `${arn}/SQSDefaultPolicy`, ...given, Statement: [given.Statement ?? []].flat() };
}

function single<T>(all: readonly T[]): T | readonly T[] {
  const [first] = all;
  return first !== undefined && all.length === 1 ? first : all;
}

function wrongLabel(label: string, reason: string): HearthError {
  return new HearthError('InvalidParameterValue', `Value ${label} for parameter Label is invalid. Reason: ${reason}`);
}

export const PERMISSION_OPERATIONS: Readonly<Record<string, SqsOperation>> = {
  AddPermission: addPermission,
  RemovePermission: removePermission,
};
