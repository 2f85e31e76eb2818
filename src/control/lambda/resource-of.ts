import { functionArn } from '../../model/function-version.ts';
import { namedIn, type Scope } from '../function-name.ts';
import type { Input } from './model/check.ts';
import { LAMBDA, shapeNamed } from './model/model.ts';
import { text, type LambdaDeps } from './operation.ts';

/**
 * What IAM calls an operation on one thing, and that thing's ARN, for statements to decide on; `*` where it is on no one thing. Names only: whether it is
 * there is nobody's business yet. Whatever way a thing is named, it comes out as the operation will take it, or a denial could be evaded by another way.
 */
export function resourceOf(operation: string, input: Input, { registry }: Pick<LambdaDeps, 'registry'>): { action: string; arn: string } {
  // The same right by another name, as with IAM.
  const action = operation === 'GetLayerVersionByArn' ? 'lambda:GetLayerVersion' : `lambda:${operation}`;
  return { action, arn: arnOf(operation, input, registry.scope) ?? '*' };
}

function arnOf(operation: string, input: Input, scope: Scope): string | null {
  const own = `arn:aws:lambda:${scope.region}:${scope.accountId}`;
  // Of a mapping: that it names a function, too, makes it no thing of that function's.
  const uuid = text(input, 'UUID');
  if (uuid !== null) return `${own}:event-source-mapping:${uuid}`;
  const named = text(input, 'FunctionName');
  if (named !== null) return functionNamed(named, { scope, beside: text(input, 'Qualifier'), whole: !ofVersions(operation) });
  const layer = text(input, 'LayerName') ?? text(input, 'Arn');
  if (layer !== null) return `${own}:layer:${layerNamed(layer, input['VersionNumber'])}`;
  const resource = text(input, 'Resource');
  if (resource === null) return text(input, 'CodeSigningConfigArn');
  const [, kind = '', id = ''] = /^arn:[^:]*:lambda:[^:]*:[^:]*:([^:]+):(.+)$/.exec(resource) ?? [];
  return kind === 'function' ? functionNamed(resource, { scope, beside: null, whole: true }) : `${own}:${kind}:${id}`;
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

/** `NAME`, or `NAME:VERSION` of a version. */
function layerNamed(named: string, version: unknown): string {
  const name = /:layer:(.+)$/.exec(named)?.[1] ?? named;
  return typeof version === 'number' ? `${name}:${version}` : name;
}
