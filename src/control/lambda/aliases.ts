import { HearthError } from '../../errors.ts';
import type { Alias } from '../../model/alias.ts';
import { functionArn, type FunctionVersion } from '../../model/function-version.ts';
import { notFound } from '../function-name.ts';
import { STALE } from '../registry.ts';
import type { Input } from './model/check.ts';
import { absent, functionOf, invalid, text, type LambdaDeps, type Operation, type Operations } from './operation.ts';
import { pageOf } from './pages.ts';

const createAlias: Operation = async (call, deps) => {
  const { input } = call;
  const of = functionOf(call, deps);
  const name = String(input['Name']);
  return inTurn(of, name, deps, async (key, present) => {
    if (present !== null) {
      throw new HearthError('ResourceConflictException', `Alias already exists: ${arnOf(of, name)}`);
    }
    const functionVersion = String(input['FunctionVersion']);
    const weights = weightsIn(input);
    requireWeights({ functionVersion, weights }, of, deps);
    const alias: Alias = { name, functionVersion, description: text(input, 'Description') ?? '', weights, revisionId: deps.ids.uuid() };
    requireVersion(of, functionVersion, deps);
    return answer(of, await deps.resources.put('alias', key, alias, of.functionId));
  });
};

const updateAlias: Operation = async (call, deps) => {
  const { input } = call;
  const of = functionOf(call, deps);
  const name = String(input['Name']);
  return inTurn(of, name, deps, async (key, present) => {
    if (present === null) throw absent(`Alias not found: ${arnOf(of, name)}`);
    const expected = text(input, 'RevisionId');
    if (expected !== null && expected !== present.revisionId) throw new HearthError('PreconditionFailedException', STALE);
    const functionVersion = text(input, 'FunctionVersion') ?? present.functionVersion;
    requireVersion(of, functionVersion, deps);
    const weights = input['RoutingConfig'] === undefined ? present.weights : weightsIn(input);
    requireWeights({ functionVersion, weights }, of, deps);
    const description = text(input, 'Description') ?? present.description;
    const alias: Alias = { name, functionVersion, description, weights, revisionId: deps.ids.uuid() };
    return answer(of, await deps.resources.put('alias', key, alias, of.functionId));
  });
};

const getAlias: Operation = (call, deps) => {
  const of = functionOf(call, deps);
  const name = String(call.input['Name']);
  const alias = deps.registry.alias(of.name, name);
  if (alias === null) throw absent(`Cannot find alias arn: ${arnOf(of, name)}`);
  return answer(of, alias);
};

/** Deletes an alias with all that is its: policy, URL, configurations. One that is not there is none the less deleted. */
const deleteAlias: Operation = async (call, deps) => {
  const of = functionOf(call, deps);
  const name = String(call.input['Name']);
  return inTurn(of, name, deps, async (key) => {
    await removeBelongings(key, deps);
    await deps.resources.remove('alias', key);
    return null;
  });
};

const listAliases: Operation = (call, deps) => {
  const of = functionOf(call, deps);
  const version = text(call.input, 'FunctionVersion');
  const aliases = aliasesOf(of, deps).filter((a) => version === null || a.functionVersion === version || version in a.weights);
  const { items, next } = pageOf(aliases, call.input, (a) => a.name);
  return { Aliases: items.map((a) => answer(of, a)), ...next };
};

export const ALIASES: Operations = {
  CreateAlias: createAlias,
  UpdateAlias: updateAlias,
  GetAlias: getAlias,
  DeleteAlias: deleteAlias,
  ListAliases: listAliases,
};

/** The aliases of a function, by name. */
export function aliasesOf(of: FunctionVersion, deps: LambdaDeps): Alias[] {
  return deps.resources.list('alias', `${of.functionId}/`).map((a) => a.document);
}

function inTurn<T>(
  of: FunctionVersion,
  name: string,
  deps: LambdaDeps,
  task: (key: string, present: Alias | null) => Promise<T>,
): Promise<T> {
  const key = `${of.functionId}/${name}`;
  return qualifierTurn(of, deps, () => task(key, deps.resources.get('alias', key)));
}

/** Runs a task on the aliases and versions of a function when those before it have ended: none points to what another removes. */
export function qualifierTurn<T>({ functionId }: FunctionVersion, { resources }: LambdaDeps, task: () => Promise<T>): Promise<T> {
  return resources.inTurn(`qualifiers ${functionId}`, task);
}

/** Removes what goes with an alias or a version and not with its function. */
export async function removeBelongings(key: string, { resources }: LambdaDeps): Promise<void> {
  for (const kind of ['policy', 'url', 'provisioned', 'event-invoke-config', 'runtime-management'] as const)
    await resources.remove(kind, key);
}

function requireVersion(of: FunctionVersion, version: string, deps: LambdaDeps): void {
  if (deps.registry.versions(of.name).some((v) => v.version === version)) return;
  throw notFound({ name: of.name, qualifier: version }, deps.registry.scope);
}

function weightsIn(input: Input): Alias['weights'] {
  const routing = input['RoutingConfig'] as { AdditionalVersionWeights?: Record<string, number> } | undefined;
  return routing?.AdditionalVersionWeights ?? {};
}

/** Throws unless an alias may point to a version with these weights of others, whether they are given or kept. */
function requireWeights(
  { functionVersion, weights }: Pick<Alias, 'functionVersion' | 'weights'>,
  of: FunctionVersion,
  deps: LambdaDeps,
): void {
  const versions = Object.keys(weights);
  if (versions.length > 1) throw invalid('Number of items in AdditionalVersionWeights cannot be greater than 1');
  if (versions.length > 0 && functionVersion === '$LATEST')
    throw invalid('$LATEST is not supported for an alias pointing to more than 1 version');
  for (const version of versions) {
    if (version === functionVersion) {
      throw invalid(`Invalid function version ${version}. Function version ${version} is already included in routing configuration.`);
    }
    requireVersion(of, version, deps);
  }
}

function arnOf(of: FunctionVersion, alias: string): string {
  return `${functionArn(of)}:${alias}`;
}

function answer(of: FunctionVersion, alias: Alias): Record<string, unknown> {
  return {
    AliasArn: arnOf(of, alias.name),
    Name: alias.name,
    FunctionVersion: alias.functionVersion,
    Description: alias.description,
    ...(Object.keys(alias.weights).length === 0 ? {} : { RoutingConfig: { AdditionalVersionWeights: alias.weights } }),
    RevisionId: alias.revisionId,
  };
}
