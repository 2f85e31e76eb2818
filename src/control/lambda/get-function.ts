import type { FunctionVersion } from '../../model/function-version.ts';
import { configurationOf } from './configuration.ts';
import { referenceOf, type LambdaDeps, type Operation } from './operation.ts';

export const getFunction: Operation = (call, deps) => {
  const reference = referenceOf(call, deps);
  const version = deps.registry.require(reference);
  const { tags, scaling } = deps.registry.get(version.name) ?? version;
  const functionItself = reference.qualifier === null || reference.qualifier === '$LATEST';
  return {
    Configuration: configurationOf(version, stageOf(version, deps), reference),
    Code: { RepositoryType: 'S3', Location: deps.keys.presigned(codeLocation(call.endpoint, version)) },
    ...(Object.keys(tags).length === 0 ? {} : { Tags: tags }),
    ...(scaling.max === null || !functionItself ? {} : { Concurrency: { ReservedConcurrentExecutions: scaling.max } }),
  };
};

export const getFunctionConfiguration: Operation = (call, deps) => {
  const reference = referenceOf(call, deps);
  const version = deps.registry.require(reference);
  return configurationOf(version, stageOf(version, deps), reference);
};

/** How a version stands. */
export function stageOf(version: FunctionVersion, deps: LambdaDeps): Parameters<typeof configurationOf>[1] {
  return deps.updates?.(version) ?? 'settled';
}

function codeLocation(endpoint: string, { name, version }: FunctionVersion): string {
  const query = version === '$LATEST' ? '' : `?version=${version}`;
  return `${endpoint}/hearth/v1/functions/${name}/code${query}`;
}
