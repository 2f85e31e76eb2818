import { HearthError } from '../../errors.ts';
import type { FunctionVersion } from '../../model/function-version.ts';
import { parseReference } from '../function-name.ts';
import { checkBody, type LambdaDeps, type Operation, type OperationCall } from './operation.ts';
import type { Structure } from './shapes.ts';

const PATH = '/2017-03-31/tags/:Resource';
const TAG: Structure = {
  type: 'structure',
  required: ['Tags'],
  members: { Tags: { type: 'map', key: { type: 'string' }, value: { type: 'string' } } },
};

export const listTags: Operation = {
  name: 'ListTags',
  method: 'GET',
  path: PATH,
  status: 200,
  run: (call, deps) => ({ Tags: tagged(call, deps).tags }),
};

export const tagResource: Operation = {
  name: 'TagResource',
  method: 'POST',
  path: PATH,
  status: 204,
  async run(call, deps) {
    checkBody(TAG, call.body);
    const tags = call.body['Tags'] as Record<string, string>;
    await deps.registry.update(tagged(call, deps).name, (f) => ({ tags: { ...f.tags, ...tags } }));
    return undefined;
  },
};

export const untagResource: Operation = {
  name: 'UntagResource',
  method: 'DELETE',
  path: PATH,
  status: 204,
  async run(call, deps) {
    const gone = new Set(call.query.getAll('tagKeys'));
    await deps.registry.update(tagged(call, deps).name, (f) => ({
      tags: Object.fromEntries(Object.entries(f.tags).filter(([key]) => !gone.has(key))),
    }));
    return undefined;
  },
};

function tagged(call: OperationCall, deps: LambdaDeps): FunctionVersion {
  const { name, qualifier } = parseReference(call.params['Resource'] ?? '', null, deps.registry.scope);
  if (qualifier !== null)
    throw new HearthError(
      'InvalidParameterValueException',
      'Tags on function aliases and versions are not supported. Please specify a function ARN.',
    );
  return deps.registry.require({ name, qualifier: null });
}
