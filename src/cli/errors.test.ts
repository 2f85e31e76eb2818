import assert from 'node:assert/strict';
import { test } from 'node:test';
import { asCliError, CliError } from './errors.ts';
import { EXIT } from './exit-codes.ts';

test('what nobody foresaw ends with 70 and shows its stack', () => {
  for (const error of [new TypeError('no such thing'), 'a text that was thrown', undefined]) {
    const { exitCode, message, fix } = asCliError(error);
    assert.equal(exitCode, 70);
    assert.match(String(fix), /please report it/);
    assert.match(message, error instanceof Error ? /^unexpected: TypeError: no such thing\n\s+at / : /^unexpected: /);
  }
});

test('an error of the system is said as it is, a full disk with what to do', () => {
  const system = (code: string): CliError => asCliError(Object.assign(new Error(`${code}: /some/path`), { code }));
  assert.deepEqual([system('EACCES').message, system('EACCES').fix], ['EACCES: /some/path', null]);
  for (const code of ['ENOSPC', 'EDQUOT']) assert.match(String(system(code).fix), /make room on the disk/);
});

test('a folder that is too large leads to what may be left out, and to the limits', () => {
  const tooLarge = Object.assign(new Error('Unzipped size must be smaller than 262144000 bytes'), {
    name: 'DeployError',
    errorType: 'InvalidParameterValueException',
    output: null,
  });
  assert.match(String(asCliError(tooLarge).fix), /\.hearthignore.*limits\.unpackedBytes/);
  const zip = Object.assign(new Error('A source may have at most 10 bytes.'), { name: 'ApiError', status: 413, errorType: 'X', body: {} });
  assert.match(String(asCliError(zip).fix), /limits\.sourceBytes/);
  const event = Object.assign(new Error('Request must be smaller than 10 bytes'), {
    name: 'ApiError',
    status: 413,
    errorType: 'X',
    body: {},
  });
  assert.match(String(asCliError(event).fix), /limits\.payloadBytes/);
});

test('an init phase that fails under a budget is to be mended, one that is too long to be made shorter', () => {
  const fix = (message: string): string | null =>
    asCliError(Object.assign(new Error(message), { name: 'DeployError', errorType: 'InitBudgetExceeded', output: null })).fix;
  assert.match(String(fix('the init phase failed: Error: broke. Nothing was deployed.')), /^correct the function/);
  assert.match(String(fix('the init phase takes 700 ms, the budget is 500 ms')), /raise --init-budget$/);
});

test('a deployment that the server could not carry out is not the function’s fault', () => {
  const failed = (errorType: string): CliError =>
    asCliError(Object.assign(new Error('it did not go well'), { name: 'DeployError', errorType, output: null }));
  for (const errorType of ['ServiceUnavailable', 'ServiceException', 'StorageFull']) {
    const { exitCode, fix, message } = failed(errorType);
    assert.deepEqual([exitCode, message], [EXIT.serverError, `${errorType}: it did not go well`]);
    assert.match(String(fix), /^deploy again;/);
  }
  for (const errorType of ['BuildFailed', 'InitFailed', 'an error of a later server', 'toString'])
    assert.equal(failed(errorType).exitCode, EXIT.deployFailed, errorType);
});

test('an error for the person at the terminal stays as it is', () => {
  const error = new CliError('wrong', { fix: 'do it right', exitCode: EXIT.notFound });
  assert.equal(asCliError(error), error);
});
