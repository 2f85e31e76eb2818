import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { FunctionVersion } from '../model/function-version.ts';
import { functionEnvironment } from './environment.ts';

const OPTIONS = {
  taskRoot: '/var/task',
  dependencyRoot: '/deps',
  logStream: 'stream',
  path: '/usr/bin',
  initialization: 'snap-start',
  aws: { endpoint: 'http://127.0.0.1:8420', accessKeyId: 'AKIA1', secretAccessKey: 'secret' },
} as const;

function environmentOf(runtime: string, environment: Record<string, string>): Record<string, string> {
  const version = { name: 'demo', version: '$LATEST', runtime, handler: 'index.handler', memoryMb: 512, region: 'us-east-1', environment };
  return functionEnvironment(version as unknown as FunctionVersion, OPTIONS);
}

describe('the environment of a function', () => {
  it('keeps onnxruntime from starting a thread, unless the function says otherwise', () => {
    for (const runtime of ['nodejs20.x', 'python3.11', 'provided.al2023']) {
      assert.equal(environmentOf(runtime, {})['ORT_DISABLE_TELEMETRY'], '1');
      assert.equal(environmentOf(runtime, { ORT_DISABLE_TELEMETRY: '0' })['ORT_DISABLE_TELEMETRY'], '0');
    }
  });

  it('takes what the function sets, but not what is Lambda’s own', () => {
    const seen = environmentOf('nodejs20.x', { MODEL: 'm.onnx', HOME: '/tmp/home', LAMBDA_TASK_ROOT: '/elsewhere', _HANDLER: 'other' });
    assert.deepEqual(
      [seen['MODEL'], seen['HOME'], seen['LAMBDA_TASK_ROOT'], seen['_HANDLER']],
      ['m.onnx', '/tmp/home', '/var/task', 'index.handler'],
    );
    assert.equal(seen['AWS_LAMBDA_FUNCTION_MEMORY_SIZE'], '512');
  });

  it('has AWS’s clients find Hearth, unless the function means another endpoint', () => {
    const seen = environmentOf('nodejs20.x', { AWS_ACCESS_KEY_ID: 'other' });
    assert.deepEqual(
      [seen['AWS_ENDPOINT_URL'], seen['AWS_ACCESS_KEY_ID'], seen['AWS_SECRET_ACCESS_KEY']],
      ['http://127.0.0.1:8420', 'AKIA1', 'secret'],
    );
    assert.equal(environmentOf('nodejs20.x', { AWS_ENDPOINT_URL: 'https://elsewhere' })['AWS_ENDPOINT_URL'], 'https://elsewhere');
  });

  it('promises no snapshot to custom runtimes', () => {
    assert.equal(environmentOf('python3.11', {})['AWS_LAMBDA_INITIALIZATION_TYPE'], 'snap-start');
    assert.equal(environmentOf('provided.al2023', {})['AWS_LAMBDA_INITIALIZATION_TYPE'], 'on-demand');
  });

  it('leads to native libraries of the function’s own, unless the function says otherwise', () => {
    assert.equal(environmentOf('python3.11', {})['LD_LIBRARY_PATH'], '/var/task:/var/task/lib');
    assert.equal(environmentOf('python3.11', { LD_LIBRARY_PATH: '/else' })['LD_LIBRARY_PATH'], '/else');
  });

  it('lets Node.js find what was installed for the function', () => {
    assert.equal(environmentOf('nodejs20.x', {})['NODE_PATH'], '/deps/node_modules');
    assert.equal(environmentOf('python3.11', {})['NODE_PATH'], undefined);
  });
});
