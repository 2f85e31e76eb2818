import assert from 'node:assert/strict';
import { test } from 'node:test';
import { requireKnownActions } from './known-actions.ts';

const KNOWN = ['lambda:InvokeFunction', 'lambda:GetFunction', 's3:GetObject', 's3:GetObjectVersion', 'sqs:SendMessage', 'hearth:Read'];
const check = (...Action: string[]) => requireKnownActions([{ Effect: 'Allow', Action, Resource: '*' }], KNOWN);

test('actions that are asked for are taken, in any case and by wildcards', () => {
  check('*', 'lambda:*', 'lambda:InvokeFunction', 'LAMBDA:invokefunction', 's3:Get*', 's3:Get?bject', 'lambda:*Function', 'hearth:Read');
  requireKnownActions([], KNOWN);
  requireKnownActions([{ Effect: 'Deny', Action: 's3:GetObject', Resource: '*' }], KNOWN);
});

test('others are refused, with the nearest that there is', () => {
  const cases: [action: string, says: RegExp][] = [
    ['lambda:InvokeFuntion', /^lambda:InvokeFuntion is no action of this server, .* did you mean lambda:InvokeFunction\?$/],
    ['lambda:Invoke', /did you mean lambda:InvokeFunction\?$/],
    ['lamda:InvokeFunction', /did you mean lambda:InvokeFunction\?$/],
    ['lamda:*', /did you mean lambda:\*\?$/],
    ['S3:GetObjects', /did you mean s3:GetObject\?$/],
    ['s3:GetObjct*', /did you mean s3:GetObject\?$/],
    ['s3:Frobnicate', /`s3:\*` is all that there is of s3$/],
    ['dynamodb:GetItem', /it has actions of hearth, lambda, s3, sqs, and none of dynamodb$/],
  ];
  for (const [action, message] of cases) {
    assert.throws(() => check('lambda:GetFunction', action), { code: 'InvalidParameterValueException', message }, action);
    const deny = [{ Effect: 'Deny' as const, Action: action, Resource: '*' }];
    assert.throws(() => requireKnownActions(deny, KNOWN), { message }, action);
  }
});
