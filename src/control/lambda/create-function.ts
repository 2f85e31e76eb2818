import { HearthError } from '../../errors.ts';
import { parseReference } from '../function-name.ts';
import { takeCode } from './code.ts';
import { configurationOf } from './configuration.ts';
import type { Input } from './model/check.ts';
import { invalid, type LambdaDeps, type Operation } from './operation.ts';
import { settingsOf } from './settings.ts';
import { checkTags } from './tags.ts';

const LONGEST_NAME = 64;

export const createFunction: Operation = async ({ input, caller }, deps) => {
  const name = newName(String(input['FunctionName']), deps);
  const given = settingsOf(input, deps);
  const tags = { ...(input['Tags'] as Record<string, string> | undefined) };
  checkTags(tags);
  const { runtime, handler, role } = given;
  if (runtime === undefined || handler === undefined || role === undefined) {
    throw invalid('Runtime and Handler are mandatory parameters for functions created with deployment packages.');
  }
  // A name that is taken is told before a large zip is unpacked; the registry decides.
  if (deps.registry.get(name) !== null) throw new HearthError('ResourceConflictException', `Function already exist: ${name}`);
  const code = await takeCode({ input: input['Code'] as Input, caller }, deps);
  const settings = {
    memoryMb: 128,
    timeoutMs: 3000,
    ephemeralStorageMb: 512,
    environment: {},
    description: '',
    ...given,
    runtime,
    handler,
    role,
    tags,
    architecture: architectureOf(input) ?? (process.arch === 'arm64' ? 'arm64' : 'x86_64'),
    codeSha256: code.sha256,
    codeBytes: code.bytes,
    dependencies: null,
    scaling: { min: 0, max: null, concurrency: 1, keepAliveMs: null, keepAlive: 'server' },
    snapshot: 'onFirstUse',
    rehearsal: null,
    url: null,
  } as const;
  // The answer names the function, also where it tells of its first version.
  return configurationOf(await deps.registry.create(name, settings, input['Publish'] === true), 'created');
};

export function architectureOf(input: Input): 'x86_64' | 'arm64' | undefined {
  return (input['Architectures'] as ('x86_64' | 'arm64')[] | undefined)?.[0];
}

function newName(text: string, deps: LambdaDeps): string {
  // A version in the name of a new function means nothing, and AWS minds none.
  const { name } = parseReference(text, null, deps.registry.scope);
  if (name.length > LONGEST_NAME) {
    const fault = `Value '${name}' at 'functionName' failed to satisfy constraint: Member must have length less than or equal to ${LONGEST_NAME}`;
    throw invalid(`1 validation error detected: ${fault}`);
  }
  return name;
}
