import { HearthError } from '../../errors.ts';
import { notFound } from '../function-name.ts';
import { referenceOf, type Operation } from './operation.ts';

export const deleteFunction: Operation = {
  name: 'DeleteFunction',
  method: 'DELETE',
  path: '/2015-03-31/functions/:FunctionName',
  status: 204,
  async run(call, deps) {
    const reference = referenceOf(call, deps);
    if (reference.qualifier === '$LATEST') {
      throw new HearthError('InvalidParameterValueException', '$LATEST version cannot be deleted without deleting the function.');
    }
    if (reference.qualifier !== null && !/^\d+$/.test(reference.qualifier)) {
      throw new HearthError('InvalidParameterValueException', 'Deletion of aliases is not currently supported.');
    }
    // Hearth keeps no numbered versions yet, so there is none to delete.
    if (reference.qualifier !== null || !(await deps.registry.remove(reference.name))) throw notFound(reference, deps.registry.scope);
    return undefined;
  },
};
