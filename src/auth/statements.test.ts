import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { openSeal } from './seal.ts';
import { allows, parseStatements } from './statements.ts';

const ARN = 'arn:aws:lambda:us-east-1:000000000000:function:';

test('what no statement allows is not allowed, and a denial goes before', () => {
  const statements = parseStatements(
    {
      Version: '2012-10-17',
      Statement: [
        { Effect: 'Allow', Action: ['lambda:Invoke*', 'lambda:get?unction'], Resource: `${ARN}shop-*` },
        { Effect: 'Deny', Action: '*', Resource: `${ARN}shop-secret*` },
      ],
    }.Statement,
  );
  const cases: [string, string, boolean][] = [
    ['lambda:InvokeFunction', `${ARN}shop-a`, true],
    ['lambda:invokefunction', `${ARN}shop-a:live`, true],
    ['lambda:GetFunction', `${ARN}shop-a`, true],
    ['lambda:GetFunctionX', `${ARN}shop-a`, false],
    ['lambda:InvokeFunction', `${ARN}other`, false],
    ['lambda:DeleteFunction', `${ARN}shop-a`, false],
    ['lambda:InvokeFunction', `${ARN}shop-secret-1`, false],
    ['lambda:InvokeFunction', `${ARN}Shop-a`, false],
  ];
  for (const [action, resource, allowed] of cases) assert.equal(allows(statements, action, resource), allowed, `${action} ${resource}`);
  assert.equal(allows([], 'lambda:InvokeFunction', ARN), false);
});

test('a thing of several names is allowed by any of them, and denied by any of them', () => {
  const of = (Effect: 'Allow' | 'Deny', Resource: string) => ({ Effect, Action: '*', Resource });
  const names = [`${ARN}a`, `${ARN}b`];
  assert.ok(allows([of('Allow', `${ARN}b`)], 'x', names));
  assert.ok(!allows([of('Allow', `${ARN}c`)], 'x', names));
  assert.ok(!allows([of('Allow', '*'), of('Deny', `${ARN}b`)], 'x', names));
});

test('a star reaches no further than its own part of an ARN', () => {
  const may = (Resource: string, resource: string): boolean => allows([{ Effect: 'Allow', Action: '*', Resource }], 'x', resource);
  assert.ok(may('arn:aws:lambda:*:*:function:mine', `${ARN}mine`));
  assert.ok(!may('arn:aws:lambda:*:*:function:mine', `${ARN}function:mine`)); // the alias `mine` of a function called `function`
  assert.ok(may('arn:aws:lambda:*:*:function:mine:*', `${ARN}mine:live`));
  assert.ok(may('arn:aws:s3:::uploads/*', 'arn:aws:s3:::uploads/a:b/c'));
  assert.ok(may('arn:aws:s3:::*', 'arn:aws:s3:::uploads'));
  assert.ok(!may('arn:aws:s3:::uploads', 'arn:aws:s3:::uploads/a'));
  assert.ok(may('*', 'arn:aws:s3:::uploads/a'));
  assert.ok(may('arn:aws:sqs:*', 'arn:aws:sqs:us-east-1:000000000000:q'));
});

test('a pattern of many stars takes no long time', () => {
  const Resource = `${'*a'.repeat(100)}b`;
  assert.equal(allows([{ Effect: 'Allow', Action: '*', Resource }], 'x', 'a'.repeat(5_000)), false);
});

test('what is no policy is refused by name', () => {
  for (const wrong of [
    null,
    'x',
    [],
    [{}],
    [{ Effect: 'Maybe', Action: 'a', Resource: '*' }],
    [{ Effect: 'Allow', Action: 'lambda:*', Resource: '*', Condition: {} }],
  ])
    assert.throws(() => parseStatements(wrong), { code: 'InvalidParameterValueException' });
  const named = (part: object, message: RegExp) =>
    assert.throws(() => parseStatements([{ Effect: 'Allow', Action: 'lambda:*', Resource: '*', ...part }]), { message });
  for (const Action of ['InvokeFunction', 'lambda:', ':Get', 'lambda Get', ['lambda:*', 'x'], [], ''])
    named({ Action }, /Action.*|lambda:InvokeFunction/);
  for (const Resource of ['hello', 'function:hello', 'arn:', 'arn:aws:lambda:*:*:function:a b', ['*', 'hello'], ''])
    named({ Resource }, /^Statement\[0\]\.Resource(?:\[1\])?: must be `\*` or an ARN: .*, not /);
  named({ NotAction: 'lambda:*' }, /NotAction/);
  named({ Action: undefined }, /^Statement\[0\]\.Action: is missing$/);
  named({ Effect: 'allow' }, /^Statement\[0\]\.Effect: "allow" is not known; did you mean Allow\?$/);
  named({ Sid: 1 }, /^Statement\[0\]\.Sid: must be text, not 1/);
  assert.throws(() => parseStatements('x'), { message: 'Statement[0]: must have keys below it, not "x"' });
  assert.throws(() => parseStatements({ Statement: [] }), {
    message: 'Statement: there is no statement: one has Effect, Action and Resource',
  });
  for (const Resource of ['*', 'arn:aws:s3:::b/*', 'arn:aws:*', ['arn:aws:sqs:*:*:q']])
    parseStatements({ Statement: { Effect: 'Deny', Action: ['*', 'S3:Get?bject', 'execute-api:*'], Resource } });
});

test('a sealed secret opens with the same home’s key and no other; the key is for its owner’s eyes', () => {
  const home = mkdtempSync(join(tmpdir(), 'hearth-seal-'));
  const other = mkdtempSync(join(tmpdir(), 'hearth-seal-'));
  try {
    const sealed = openSeal(home).seal('sécret');
    assert.ok(!Buffer.from(sealed, 'base64').includes('cret'));
    assert.equal(openSeal(home).open(sealed), 'sécret');
    assert.throws(() => openSeal(other).open(sealed), { code: 'ServiceUnavailable' });
    assert.equal(statSync(join(home, 'keys.secret')).mode & 0o777, 0o600);
    writeFileSync(join(other, 'keys.secret'), 'short');
    assert.throws(() => openSeal(other), { code: 'ServiceUnavailable' });
  } finally {
    for (const folder of [home, other]) rmSync(folder, { recursive: true, force: true });
  }
});
