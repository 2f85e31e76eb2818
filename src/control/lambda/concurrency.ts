import { HearthError } from '../../errors.ts';
import type { FunctionVersion } from '../../model/function-version.ts';
import { notFound } from '../function-name.ts';
import { checkBody, referenceOf, type LambdaDeps, type Operation, type OperationCall } from './operation.ts';
import type { Structure } from './shapes.ts';

const PUT: Structure = {
  type: 'structure',
  required: ['ReservedConcurrentExecutions'],
  members: { ReservedConcurrentExecutions: { type: 'integer', min: 0 } },
};

export const putFunctionConcurrency: Operation = {
  name: 'PutFunctionConcurrency',
  method: 'PUT',
  path: '/2017-10-31/functions/:FunctionName/concurrency',
  status: 200,
  async run(call, deps) {
    checkBody(PUT, call.body);
    const max = call.body['ReservedConcurrentExecutions'] as number;
    await deps.registry.update(unqualified(call, deps).name, (f) => ({ scaling: { ...f.scaling, max } }));
    return { ReservedConcurrentExecutions: max };
  },
};

export const getFunctionConcurrency: Operation = {
  name: 'GetFunctionConcurrency',
  method: 'GET',
  path: '/2019-09-30/functions/:FunctionName/concurrency',
  status: 200,
  run(call, deps) {
    const { max } = deps.registry.require(referenceOf(call, deps)).scaling;
    return max === null ? {} : { ReservedConcurrentExecutions: max };
  },
};

export const deleteFunctionConcurrency: Operation = {
  name: 'DeleteFunctionConcurrency',
  method: 'DELETE',
  path: '/2017-10-31/functions/:FunctionName/concurrency',
  status: 204,
  async run(call, deps) {
    const version = unqualified(call, deps);
    if (version.scaling.max !== null) await deps.registry.update(version.name, (f) => ({ scaling: { ...f.scaling, max: null } }));
    return undefined;
  },
};

function unqualified(call: OperationCall, deps: LambdaDeps): FunctionVersion {
  const { name, qualifier } = referenceOf(call, deps);
  if (qualifier !== null && qualifier !== '$LATEST') {
    throw new HearthError(
      'InvalidParameterValueException',
      'This operation is permitted on Lambda functions only. Aliases and versions do not support this operation. Please specify either a function name or an unqualified function ARN.',
    );
  }
  const version = deps.registry.get(name);
  if (version === null) throw notFound({ name, qualifier: '$LATEST' }, deps.registry.scope);
  return version;
}
