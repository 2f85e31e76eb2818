import { OPERATIONS } from '../control/lambda/operations.ts';
import { modelIn } from '../control/lambda/model/model.ts';
import { INVOKE_URL } from '../gateway/function-url.ts';
import { INVOKE } from '../gateway/invoke-deps.ts';
import { S3_ACTIONS } from '../objects/s3/operations.ts';
import { SQS_ACTIONS } from '../queues/sqs/service.ts';

/** Every action that a key is asked for, somewhere on this server, and so can be allowed or denied. */
export function knownActions(): string[] {
  const modelled = ['events', 'logs', 'scheduler'].flatMap((service) =>
    Object.keys(modelIn(`${service}/${service}.json`).operations).map((name) => `${service}:${name}`),
  );
  // The same right by another name is no action of its own, as with IAM.
  const lambda = Object.keys(OPERATIONS)
    .filter((name) => name !== 'GetLayerVersionByArn')
    .map((name) => `lambda:${name}`);
  // GetCallerIdentity is asked of nobody, as on AWS; policies have it all the same.
  return [
    INVOKE,
    INVOKE_URL,
    ...lambda,
    ...modelled,
    ...S3_ACTIONS,
    ...SQS_ACTIONS,
    'hearth:Read',
    'hearth:Write',
    'sts:GetCallerIdentity',
  ];
}
