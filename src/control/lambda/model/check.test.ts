import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runInNewContext } from 'node:vm';
import { checked } from './check.ts';
import { modelIn } from './model.ts';
import { readRequest } from './request.ts';

test('a time is one that there is', () => {
  const model = modelIn('events/events.json');
  const operation = model.operations['PutEvents'];
  assert.ok(operation !== undefined);
  const read = (Time: unknown) =>
    readRequest(
      operation,
      { params: {}, query: new URLSearchParams(), headers: {}, body: Buffer.from(JSON.stringify({ Entries: [{ Time }] })) },
      model,
    );
  assert.deepEqual(read(1_700_000_000.5), { Entries: [{ Time: 1_700_000_000_500 }] });
  for (const time of [1e20, -1e20, 'never', '']) assert.throws(() => read(time), /must be a time/, String(time));
});

test('no text keeps a pattern of any model busy', () => {
  const starts = ['', 'a', '$.', 'arn:aws:', 'arn:aws:lambda:us-east-1:000000000000:', 'arn:aws:iam::000000000000:role/'];
  const repeated = [
    ' ',
    '\t',
    'a',
    'a ',
    'A1',
    '0',
    '-',
    '_',
    '.',
    'a.',
    'a-',
    '/',
    'a/',
    ':',
    'a:',
    '*',
    '[0]',
    '.a[0]',
    '$',
    '+',
    '=',
    '~',
  ];
  const texts = starts.flatMap((start) => repeated.map((part) => `${start}${part.repeat(Math.ceil(900 / part.length))}\n`));
  for (const path of ['lambda/model/lambda.json', 'events/events.json', 'scheduler/scheduler.json', 'logs/logs.json']) {
    const model = modelIn(path);
    for (const [name, { type, pattern }] of Object.entries(model.shapes)) {
      if (type !== 'string' || pattern === undefined) continue;
      const check = (): void => texts.forEach((text) => void checked(name, text, 'text', { model, faults: [] }));
      // Ends what would otherwise never end: with so long a text that is what trying every way comes to.
      runInNewContext('check()', { check }, { timeout: 20_000 });
    }
  }
});

test('the value of a header has what AWS’s pattern takes, and the fault names that pattern', () => {
  const model = modelIn('events/events.json');
  const pattern = model.shapes['HeaderValue']?.pattern ?? '';
  const aws = new RegExp(pattern);
  const signs = [' ', '\t', 'a', '~', '\n', 'é'];
  const texts = [''];
  // Every text of up to four of the signs.
  for (const text of texts) if (text.length < 4) texts.push(...signs.map((sign) => text + sign));
  for (const text of texts) {
    const faults: string[] = [];
    checked('HeaderValue', text, 'a', { model, faults });
    const fault = `Value '${text}' at 'a' failed to satisfy constraint: Member must satisfy regular expression pattern: ${pattern}`;
    assert.deepEqual(faults, aws.test(text) ? [] : [fault], JSON.stringify(text));
  }
});

test('a fault of what is secret tells where it is, and not what', () => {
  const model = modelIn('lambda/model/lambda.json');
  const faults: string[] = [];
  checked(
    'UpdateFunctionConfigurationRequest',
    { FunctionName: 'f', Environment: { Variables: { 'DB-PASSWORD': 'hunter2', OTHER: 'o' } } },
    '',
    {
      model,
      faults,
    },
  );
  const keys =
    'Map keys must satisfy constraint: [Member must satisfy regular expression pattern: [a-zA-Z]([a-zA-Z0-9_])+, Member must not be null]';
  assert.deepEqual(faults, [`Value at 'environment.variables' failed to satisfy constraint: ${keys}`]);
});

test('of a text that is too long its pattern is told, too, as of AWS', () => {
  const model = modelIn('lambda/model/lambda.json');
  const faultsOf = (value: string): number => {
    const faults: string[] = [];
    checked('FunctionName', value, 'functionName', { model, faults });
    return faults.length;
  };
  assert.deepEqual([faultsOf('a'.repeat(141)), faultsOf('?'.repeat(141)), faultsOf('?'.repeat(100_000))], [1, 2, 1]);
});
