import type { Caller } from '../../auth/authority.ts';
import { functionArn } from '../../model/function-version.ts';
import { namedIn, type Scope } from '../function-name.ts';
import type { Input } from './model/check.ts';
import { LAMBDA, shapeNamed } from './model/model.ts';
import { text, type LambdaDeps } from './operation.ts';

type Named = Pick<LambdaDeps, 'registry' | 'resources'>;

/** What IAM calls an operation, and all that it is on: each thing by all of its names, that of messages first. */
interface Things {
  readonly action: string;
  readonly on: readonly (readonly [string, ...string[]])[];
}

/** Throws AccessDeniedException unless a caller may do this to all that it is on. */
export function requireAll(caller: Caller, { action, on }: Things): void {
  for (const [arn, ...others] of on) caller.require(action, arn, others);
}

/**
 * What an operation is on, for statements to decide on; `*` where it is on no one thing. Names only: whether it is there is nobody's business yet. Whatever
 * way a thing is named, it comes out as the operation will take it, or a denial could be evaded by another way.
 */
export function thingsOf(operation: string, input: Input, deps: Named): Things {
  // The same right by another name, as with IAM.
  const action = operation === 'GetLayerVersionByArn' ? 'lambda:GetLayerVersion' : `lambda:${operation}`;
  const uuid = text(input, 'UUID');
  return { action, on: uuid === null ? [thingOf(operation, input, deps.registry.scope)] : mappingAnd(uuid, input, deps) };
}

/** A mapping; who may do this to a function may do it to its mapping, too. Where it is moved, the function that it is moved to. */
function mappingAnd(uuid: string, input: Input, { registry, resources }: Named): Things['on'] {
  const { scope } = registry;
  const mapping = resources.get('event-source-mapping', uuid);
  const feeds = mapping === null ? [] : [functionArn({ ...scope, name: mapping.functionName })];
  const moved = text(input, 'FunctionName');
  return [
    [`${ownArn(scope)}:event-source-mapping:${uuid}`, ...feeds],
    ...(moved === null ? [] : [[functionNamed(moved, { scope, beside: null, whole: false })] as const]),
  ];
}

function thingOf(operation: string, input: Input, scope: Scope): readonly [string, ...string[]] {
  const named = text(input, 'FunctionName');
  if (named !== null) return [functionNamed(named, { scope, beside: text(input, 'Qualifier'), whole: !ofVersions(operation) })];
  const layer = text(input, 'LayerName') ?? text(input, 'Arn');
  if (layer !== null) return layerNamed(layer, input['VersionNumber'], scope);
  const resource = text(input, 'Resource');
  if (resource === null) return [text(input, 'CodeSigningConfigArn') ?? '*'];
  const [, kind = '', id = ''] = /^arn:[^:]*:lambda:[^:]*:[^:]*:([^:]+):(.+)$/.exec(resource) ?? [];
  return [kind === 'function' ? functionNamed(resource, { scope, beside: null, whole: true }) : `${ownArn(scope)}:${kind}:${id}`];
}

function ownArn({ region, accountId }: Scope): string {
  return `arn:aws:lambda:${region}:${accountId}`;
}

/** Whether an operation is on the version that is named; else the name of one means the function. */
function ofVersions(operation: string): boolean {
  const shape = LAMBDA.operations[operation]?.input;
  return operation === 'CreateEventSourceMapping' || (shape !== undefined && shapeNamed(shape).members?.['Qualifier'] !== undefined);
}

function functionNamed(named: string, { scope, beside, whole }: { scope: Scope; beside: string | null; whole: boolean }): string {
  const { name, qualifier } = namedIn(named);
  const arn = functionArn({ ...scope, name });
  const version = whole ? null : (qualifier ?? beside);
  return version === null ? arn : `${arn}:${version}`;
}

/** A layer, or a version of one, which goes by its layer's name, too. */
function layerNamed(named: string, beside: unknown, scope: Scope): readonly [string, ...string[]] {
  const [name = '', own] = (/:layer:(.+)$/.exec(named)?.[1] ?? named).split(':');
  const version = own ?? (typeof beside === 'number' ? String(beside) : null);
  const arn = `${ownArn(scope)}:layer:${name}`;
  return version === null ? [arn] : [`${arn}:${version}`, arn];
}
