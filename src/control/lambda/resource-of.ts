import type { Caller } from '../../auth/authority.ts';
import { functionArn } from '../../model/function-version.ts';
import type { Input } from './model/check.ts';
import { text, type LambdaDeps } from './operation.ts';

type Named = Pick<LambdaDeps, 'registry' | 'resources'>;

/** Throws AccessDeniedException unless a caller may do this to all that it is on. */
export function requireAll(caller: Caller, action: string, on: { readonly input: Input; readonly deps: Named }): void {
  for (const [arn, ...others] of resourcesOf(on.input, on.deps)) {
    const allowed = [arn, ...others].some((name) => caller.refusal(action, name) === null);
    if (!allowed) caller.require(action, arn);
  }
}

/**
 * The ARNs of what an operation is on, for statements to allow: each of them, by any of its names; `*` where it is on no one thing. Names only: whether
 * it is there is nobody's business yet.
 */
function resourcesOf(input: Input, deps: Named): (readonly [string, ...string[]])[] {
  const { scope } = deps.registry;
  const own = `arn:aws:lambda:${scope.region}:${scope.accountId}`;
  const named = text(input, 'FunctionName');
  const ofFunction = named === null ? [] : [[functionOf(named, text(input, 'Qualifier'), deps)] as const];
  const uuid = text(input, 'UUID');
  if (uuid !== null) {
    // Who may do this to a function may do it to its mapping, too.
    const mapping = deps.resources.get('event-source-mapping', uuid);
    const feeds = mapping === null ? [] : [functionArn({ ...scope, name: mapping.functionName })];
    return [[`${own}:event-source-mapping:${uuid}`, ...feeds], ...ofFunction];
  }
  if (named !== null) return ofFunction;
  const layer = text(input, 'LayerName');
  const version = input['VersionNumber'] as number | undefined;
  if (layer !== null) {
    const arn = `${own}:layer:${layer.split(':').at(-1)}`;
    return version === undefined ? [[arn]] : [[`${arn}:${version}`, arn]];
  }
  const arn = text(input, 'Arn');
  if (arn !== null) return [[arn, arn.replace(/:\d+$/, '')]];
  return [[text(input, 'Resource') ?? text(input, 'CodeSigningConfigArn') ?? '*']];
}

function functionOf(named: string, qualified: string | null, { registry }: Named): string {
  const plain = named.replace(/^(arn:[^:]+:lambda:)?([a-z-]+-\d:)?(\d{12}:)?(function:)?/, '');
  const [name = '', own] = plain.split(':');
  const qualifier = own ?? qualified;
  const arn = functionArn({ ...registry.scope, name });
  return qualifier === null ? arn : `${arn}:${qualifier}`;
}
