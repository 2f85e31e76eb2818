import assert from 'node:assert/strict';
import { test } from 'node:test';
import { requireKnownActions } from '../auth/known-actions.ts';
import { knownActions } from './actions.ts';

test('what keys are asked for is known, whatever part of the server asks it', () => {
  const Action = [
    'lambda:InvokeFunction',
    'lambda:InvokeFunctionUrl',
    'lambda:GetLayerVersion',
    'lambda:CreateEventSourceMapping',
    's3:ListAllMyBuckets',
    's3:GetObjectVersion',
    's3:GetObjectVersionTagging',
    's3:PutObjectVersionAcl',
    's3:DeleteObjectVersion',
    's3:PutObjectTagging',
    's3:AbortMultipartUpload',
    'sqs:SendMessage',
    'sqs:StartMessageMoveTask',
    'events:PutEvents',
    'scheduler:CreateSchedule',
    'logs:FilterLogEvents',
    'hearth:Read',
    'hearth:Write',
    'sts:GetCallerIdentity',
  ];
  const known = knownActions();
  requireKnownActions([{ Effect: 'Allow', Action, Resource: '*' }], known);
  assert.equal(new Set(known).size, known.length);
  for (const action of ['lambda:Invoke', 'lambda:GetLayerVersionByArn', 'sqs:SendMessageBatch', 's3:GetObjects', 'iam:PassRole'])
    assert.throws(() => requireKnownActions([{ Effect: 'Allow', Action: action, Resource: '*' }], known), action);
});
