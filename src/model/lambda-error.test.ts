import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { HearthError, type ErrorCode } from '../errors.ts';
import { lambdaError } from './lambda-error.ts';

const MODEL = new URL('../../../src/control/lambda/model/lambda.json', import.meta.url);

test('an error has its text where AWS’s model has it, and its status', () => {
  const { errors } = JSON.parse(readFileSync(MODEL, 'utf8')) as { errors: Record<string, { status: number; text: string }> };
  let known = 0;
  for (const [code, { status, text }] of Object.entries(errors)) {
    const error = new HearthError(code as ErrorCode, 'words');
    let ours: number;
    try {
      ours = error.status;
    } catch {
      continue; // not one that occurs here
    }
    known++;
    assert.deepEqual([ours, lambdaError(error).document[text]], [status === 502 ? ours : status, 'words'], code);
  }
  assert.ok(known > 10);
});

test('details are members of the document; null takes one away', () => {
  const { document } = lambdaError(new HearthError('InvalidParameterValueException', 'x', { details: { Type: null, Reason: 'r' } }));
  assert.deepEqual(document, { message: 'x', Reason: 'r' });
});
