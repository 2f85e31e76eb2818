import { RUNTIME_NAMES } from '../../model/runtime-names.ts';
import { deadLetterTarget } from '../../model/dead-letter.ts';
import { loggingOf, type Logging, type LogLevel, type SystemLogLevel } from '../../model/logging.ts';
import { checkEnvironment } from '../environment.ts';
import type { FunctionSettings } from '../registry.ts';
import { layersOf } from './layer-references.ts';
import type { Input } from './model/check.ts';
import { invalid, type LambdaDeps } from './operation.ts';

/** Members of a function's configuration that Hearth keeps and gives back, since they change nothing or what they ask for is so anyway. */
const KEPT = ['TracingConfig', 'SnapStart', 'DeadLetterConfig', 'CodeSigningConfigArn'];

/** The settings that a checked request to create or configure a function names; what it leaves out is left out. */
export function settingsOf(
  input: Input,
  deps: LambdaDeps,
  { kept: present, logging }: Pick<FunctionSettings, 'kept' | 'logging'> = {},
): Partial<FunctionSettings> {
  refuseUnserved(input);
  checkDeadLetters(input);
  const environment = member(input, 'Environment');
  const variables = environment === undefined ? undefined : ((environment['Variables'] ?? {}) as Record<string, string>);
  if (variables !== undefined) checkEnvironment(variables);
  const runtime = input['Runtime'] as string | undefined;
  if (runtime !== undefined) checkRuntime(runtime);
  const seconds = input['Timeout'] as number | undefined;
  const layers = input['Layers'] as string[] | undefined;
  const kept: Record<string, unknown> = Object.fromEntries(KEPT.filter((n) => input[n] !== undefined).map((n) => [n, input[n]]));
  // Lambda tells an environment without variables from none.
  if (variables !== undefined && Object.keys(variables).length === 0) kept['EmptyEnvironment'] = true;
  return defined({
    runtime,
    handler: input['Handler'],
    memoryMb: input['MemorySize'],
    timeoutMs: seconds === undefined ? undefined : seconds * 1000,
    ephemeralStorageMb: member(input, 'EphemeralStorage')?.['Size'],
    environment: variables,
    description: input['Description'],
    role: input['Role'],
    logging: loggingIn(member(input, 'LoggingConfig'), logging),
    layers: layers === undefined ? undefined : layersOf(layers, deps),
    kept: Object.keys(kept).length === 0 ? undefined : { ...present, ...kept },
  });
}

/** A LoggingConfig on top of the one that is; undefined: none was given. */
function loggingIn(given: Input | undefined, present: Logging | undefined): Logging | undefined {
  if (given === undefined) return undefined;
  const format = (given['LogFormat'] as Logging['format'] | undefined) ?? present?.format ?? 'Text';
  const [application, system] = [given['ApplicationLogLevel'], given['SystemLogLevel']];
  if (format === 'Text' && (application ?? system) !== undefined)
    throw invalid('ApplicationLogLevel and SystemLogLevel can only be set when LogFormat is JSON.');
  return loggingOf(format, {
    applicationLevel: (application as LogLevel | undefined) ?? present?.applicationLevel ?? null,
    systemLevel: (system as SystemLogLevel | undefined) ?? present?.systemLevel ?? null,
    group: (given['LogGroup'] as string | undefined) ?? present?.group ?? null,
  });
}

function checkRuntime(runtime: string): void {
  if ((RUNTIME_NAMES as readonly string[]).includes(runtime)) return;
  throw invalid(
    `Value ${runtime} at 'runtime' failed to satisfy constraint: Member must satisfy enum value set: [${RUNTIME_NAMES.join(', ')}] or be a valid ARN`,
  );
}

function checkDeadLetters(input: Input): void {
  const arn = (member(input, 'DeadLetterConfig')?.['TargetArn'] ?? '') as string;
  if (arn === '' || deadLetterTarget(arn) !== null) return;
  throw invalid(
    `DeadLetterConfig: ${arn} is none that Hearth can send to; give the ARN of a queue (arn:aws:sqs:…) or, beyond Lambda, of a function.`,
  );
}

/** What would change how a function runs, and is not served here, is refused rather than ignored. */
function refuseUnserved(input: Input): void {
  const vpc = member(input, 'VpcConfig') ?? {};
  const asked = [
    listed(input, 'FileSystemConfigs') && 'FileSystemConfigs',
    (listed(vpc, 'SubnetIds') || listed(vpc, 'SecurityGroupIds')) && 'VpcConfig',
    (input['KMSKeyArn'] ?? '') !== '' && 'KMSKeyArn',
    input['PackageType'] === 'Image' && 'PackageType Image (container images)',
    input['CapacityProviderConfig'] !== undefined && 'CapacityProviderConfig',
    input['DurableConfig'] !== undefined && 'DurableConfig',
    input['TenancyConfig'] !== undefined && 'TenancyConfig',
    input['PublishTo'] !== undefined && 'PublishTo',
  ].filter((name) => typeof name === 'string');
  if (asked.length > 0) throw invalid(`Hearth does not serve ${asked.join(', ')}: leave it out of the request.`);
}

function member(input: Input, name: string): Input | undefined {
  return input[name] as Input | undefined;
}

function listed(input: Input, name: string): boolean {
  const value = input[name];
  return Array.isArray(value) && value.length > 0;
}

/** Without what is not given. The values were checked against their shapes. */
function defined(values: Record<string, unknown>): Partial<FunctionSettings> {
  return Object.fromEntries(Object.entries(values).filter(([, v]) => v !== undefined));
}
