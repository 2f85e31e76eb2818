import { HearthError } from '../../errors.ts';
import { RUNTIME_NAMES } from '../../model/runtime-names.ts';
import type { FunctionSettings } from '../registry.ts';
import { checkEnvironment } from '../environment.ts';
import type { Input } from './shapes.ts';

/** The settings that a checked request to create or configure a function names; what it leaves out is left out. */
export function settingsOf(input: Input): Partial<FunctionSettings> {
  refuseUnserved(input);
  const environment = member(input, 'Environment');
  const variables = environment === undefined ? undefined : ((environment['Variables'] ?? {}) as Record<string, string>);
  if (variables !== undefined) checkEnvironment(variables);
  const runtime = input['Runtime'] as string | undefined | null;
  if (typeof runtime === 'string') checkRuntime(runtime);
  const seconds = input['Timeout'] as number | undefined | null;
  return defined({
    runtime,
    handler: input['Handler'],
    memoryMb: input['MemorySize'],
    timeoutMs: typeof seconds === 'number' ? seconds * 1000 : undefined,
    ephemeralStorageMb: member(input, 'EphemeralStorage')?.['Size'],
    environment: variables,
    description: input['Description'],
    role: input['Role'],
  });
}

function checkRuntime(runtime: string): void {
  if ((RUNTIME_NAMES as readonly string[]).includes(runtime)) return;
  const message = `Value ${runtime} at 'runtime' failed to satisfy constraint: Member must satisfy enum value set: [${RUNTIME_NAMES.join(', ')}] or be a valid ARN`;
  throw new HearthError('InvalidParameterValueException', message);
}

/** What would change how a function runs, and is not served here, is refused rather than ignored. */
function refuseUnserved(input: Input): void {
  const asked = [
    listed(input, 'Layers') && 'Layers',
    listed(input, 'FileSystemConfigs') && 'FileSystemConfigs',
    (listed(member(input, 'VpcConfig') ?? {}, 'SubnetIds') || listed(member(input, 'VpcConfig') ?? {}, 'SecurityGroupIds')) && 'VpcConfig',
    (member(input, 'DeadLetterConfig')?.['TargetArn'] ?? '') !== '' && 'DeadLetterConfig',
    (input['KMSKeyArn'] ?? '') !== '' && 'KMSKeyArn',
    member(input, 'LoggingConfig')?.['LogFormat'] === 'JSON' && 'LoggingConfig with LogFormat JSON',
    member(input, 'SnapStart')?.['ApplyOn'] === 'PublishedVersions' && 'SnapStart',
    input['PackageType'] === 'Image' && 'PackageType Image',
    input['Publish'] === true && 'Publish',
  ].filter((name) => typeof name === 'string');
  if (asked.length > 0)
    throw new HearthError('InvalidParameterValueException', `Hearth does not serve ${asked.join(', ')} yet: leave it out of the request.`);
}

function member(input: Input, name: string): Input | undefined {
  return (input[name] ?? undefined) as Input | undefined;
}

function listed(input: Input, name: string): boolean {
  const value = input[name];
  return Array.isArray(value) && value.length > 0;
}

/** Without what is not given. The values were checked against their shapes. */
function defined(values: Record<string, unknown>): Partial<FunctionSettings> {
  return Object.fromEntries(Object.entries(values).filter(([, v]) => v !== undefined && v !== null));
}
