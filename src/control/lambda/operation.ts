import type { Caller } from '../../auth/authority.ts';
import type { Artifacts } from '../../artifacts/artifacts.ts';
import { HearthError } from '../../errors.ts';
import type { Clock } from '../../lib/clock.ts';
import type { Ids } from '../../lib/ids.ts';
import type { FunctionVersion } from '../../model/function-version.ts';
import type { KeyRing } from '../key-ring.ts';
import { notFound, parseReference, type FunctionReference } from '../function-name.ts';
import type { Platform } from '../own/platform.ts';
import type { FunctionRegistry } from '../registry.ts';
import type { Resources } from '../resources.ts';
import type { Input } from './model/check.ts';
import type { ObjectReader } from './object-reader.ts';
import type { UpdateStates } from '../update-state.ts';

/** What the operations work with. */
export interface LambdaDeps {
  readonly registry: FunctionRegistry;
  readonly resources: Resources;
  readonly artifacts: Artifacts;
  readonly platform: Pick<Platform, 'occupancy'>;
  /** Signs the links to code. */
  readonly keys: Pick<KeyRing, 'presigned'>;
  readonly clock: Clock;
  readonly ids: Ids;
  /** Where S3Bucket and S3Key are read from; null: nowhere. */
  readonly objects: ObjectReader | null;
  /** How the last change of a function stands; absent: it is done with as soon as it is stored. */
  readonly updates?: UpdateStates;
  /** What an event source mapping is doing, by its UUID; absent or null: not known. */
  readonly mappings?: (uuid: string) => MappingState | null;
  /** Whether there is a queue of that name or ARN; absent: not known. */
  readonly hasQueue?: (queue: string) => boolean;
  /** Whether there is a bucket of that name; without it nobody knows. */
  readonly hasBucket?: (name: string) => boolean;
  /** Most instances on this machine, the account's concurrency; most bytes that code may have unpacked. */
  readonly limits: { readonly instances: number; readonly unpackedBytes: number };
}

/** What is known of an event source mapping beside what was asked for. */
export interface MappingState {
  /** Whether it is on its way to being started or stopped. */
  readonly turning: boolean;
  /** Lambda's LastProcessingResult; null: it is left out, as of queues that are polled without trouble. */
  readonly lastResult: string | null;
}

/** One call. */
export interface OperationCall {
  /** Members of the input by their names in the model, checked; what was not given is absent. */
  readonly input: Input;
  /** `http://HOST:PORT` as the caller knows this server. */
  readonly endpoint: string;
  /** Who calls, for what an operation reads elsewhere for its caller. */
  readonly caller: Caller;
}

type Answer = Readonly<Record<string, unknown>> | null;

/** What one operation of Lambda's API does. Everything about its form is in the model. Throws HearthError; null: no body. */
export type Operation = (call: OperationCall, deps: LambdaDeps) => Answer | Promise<Answer>;

export type Operations = Readonly<Record<string, Operation>>;

/** The function that a call names, and the version that the name or the `Qualifier` asks for. */
export function referenceOf({ input }: OperationCall, deps: LambdaDeps): FunctionReference {
  return parseReference(text(input, 'FunctionName') ?? '', text(input, 'Qualifier'), deps.registry.scope);
}

/** The function itself, whatever version is named. Throws ResourceNotFoundException. */
export function functionOf(call: OperationCall, deps: LambdaDeps): FunctionVersion {
  return deps.registry.require({ ...referenceOf(call, deps), qualifier: null });
}

/** The function itself; naming a version is an error. The texts are those of the operations on functions alone. */
export function unqualifiedFunction(call: OperationCall, deps: LambdaDeps): FunctionVersion {
  const { name, qualifier } = referenceOf(call, deps);
  if (qualifier !== null) {
    throw new HearthError(
      'InvalidParameterValueException',
      'This operation is permitted on Lambda functions only. Aliases and versions do not support this operation. Please specify either a function name or an unqualified function ARN.',
    );
  }
  const version = deps.registry.get(name);
  if (version === null) throw notFound({ name, qualifier: '$LATEST' }, deps.registry.scope);
  return version;
}

/** A text of the input, or null. */
export function text(input: Input, name: string): string | null {
  return (input[name] as string | undefined) ?? null;
}

/** What a text says of itself where a request is wrong in a way that only the operation knows. */
export function invalid(message: string): HearthError {
  return new HearthError('InvalidParameterValueException', message);
}

export function absent(message = 'The resource you requested does not exist.'): HearthError {
  return new HearthError('ResourceNotFoundException', message);
}
