import { HearthError } from '../../errors.ts';
import { parseReference } from '../function-name.ts';
import { takeCode } from './code.ts';
import { configurationOf } from './configuration.ts';
import { CREATE_FUNCTION } from './function-shapes.ts';
import { checkBody, type LambdaDeps, type Operation } from './operation.ts';
import { settingsOf } from './settings.ts';
import type { Input } from './shapes.ts';

const LONGEST_NAME = 64;

export const createFunction: Operation = {
  name: 'CreateFunction',
  method: 'POST',
  path: '/2015-03-31/functions',
  status: 201,
  async run({ body }, deps) {
    checkBody(CREATE_FUNCTION, body);
    const name = newName(String(body['FunctionName']), deps);
    const given = settingsOf(body);
    const { runtime, handler, role } = given;
    if (runtime === undefined || handler === undefined || role === undefined) {
      throw new HearthError(
        'InvalidParameterValueException',
        'Runtime and Handler are mandatory parameters for functions created with deployment packages.',
      );
    }
    // A name that is taken is told before a large zip is unpacked; the registry decides.
    if (deps.registry.get(name) !== null) throw new HearthError('ResourceConflictException', `Function already exist: ${name}`);
    const code = await takeCode(body['Code'] as Input, deps.artifacts);
    const version = await deps.registry.create(name, {
      memoryMb: 128,
      timeoutMs: 3000,
      ephemeralStorageMb: 512,
      environment: {},
      description: '',
      ...given,
      runtime,
      handler,
      role,
      tags: { ...(body['Tags'] as Record<string, string> | undefined) },
      architecture: architectureOf(body) ?? (process.arch === 'arm64' ? 'arm64' : 'x86_64'),
      codeSha256: code.sha256,
      codeBytes: code.bytes,
      dependencies: null,
      scaling: { min: 0, max: null, concurrency: 1, keepAliveMs: deps.keepAliveMs, keepAlive: 'server' },
      snapshot: 'onFirstUse',
      rehearsal: null,
      url: null,
    });
    return configurationOf(version, 'created');
  },
};

export function architectureOf(body: Input): 'x86_64' | 'arm64' | undefined {
  return (body['Architectures'] as ('x86_64' | 'arm64')[] | undefined)?.[0];
}

function newName(text: string, deps: LambdaDeps): string {
  const { name, qualifier } = parseReference(text, null, deps.registry.scope);
  if (qualifier !== null)
    throw new HearthError('InvalidParameterValueException', `A new function's name has no version: leave out :${qualifier}.`);
  if (name.length > LONGEST_NAME) {
    const fault = `Value '${name}' at 'functionName' failed to satisfy constraint: Member must have length less than or equal to ${LONGEST_NAME}`;
    throw new HearthError('InvalidParameterValueException', `1 validation error detected: ${fault}`);
  }
  return name;
}
