import { configurationOf } from './configuration.ts';
import { referenceOf, type Operation } from './operation.ts';

export const getFunction: Operation = {
  name: 'GetFunction',
  method: 'GET',
  path: '/2015-03-31/functions/:FunctionName',
  status: 200,
  run(call, deps) {
    const reference = referenceOf(call, deps);
    const version = deps.registry.require(reference);
    const { max } = version.scaling;
    return {
      Configuration: configurationOf(version, deps.updates?.(version.name) ?? 'settled', reference.qualifier !== null),
      Code: { RepositoryType: 'S3', Location: `${call.endpoint}/hearth/v1/functions/${version.name}/code` },
      ...(Object.keys(version.tags).length === 0 ? {} : { Tags: version.tags }),
      ...(max === null ? {} : { Concurrency: { ReservedConcurrentExecutions: max } }),
    };
  },
};

export const getFunctionConfiguration: Operation = {
  name: 'GetFunctionConfiguration',
  method: 'GET',
  path: '/2015-03-31/functions/:FunctionName/configuration',
  status: 200,
  run(call, deps) {
    const reference = referenceOf(call, deps);
    const version = deps.registry.require(reference);
    return configurationOf(version, deps.updates?.(version.name) ?? 'settled', reference.qualifier !== null);
  },
};
