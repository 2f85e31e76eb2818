import { HearthError } from '../../errors.ts';
import { notFound } from '../function-name.ts';
import { aliasesOf } from './aliases.ts';
import { invalid, referenceOf, type LambdaDeps, type Operation } from './operation.ts';

/** Deletes a function, or a version of it. The model says 200; AWS answers 204. */
export const deleteFunction: Operation = async (call, deps) => {
  const reference = referenceOf(call, deps);
  const { name, qualifier } = reference;
  if (qualifier === '$LATEST') throw invalid('$LATEST version cannot be deleted without deleting the function.');
  if (qualifier !== null && !/^\d+$/.test(qualifier)) throw invalid('Deletion of aliases is not currently supported.');
  if (qualifier === null) {
    if (!(await deps.registry.remove(name))) throw notFound(reference, deps.registry.scope);
    return { StatusCode: 204 };
  }
  refuseAliased(name, qualifier, deps);
  // As on Lambda, a version that is not there is none the less deleted; a function that is not there is an error.
  if (!(await deps.registry.removeVersion(name, qualifier)) && deps.registry.get(name) === null)
    throw notFound(reference, deps.registry.scope);
  return { StatusCode: 204 };
};

function refuseAliased(name: string, version: string, deps: LambdaDeps): void {
  const present = deps.registry.get(name);
  if (present === null) return;
  const pointing = aliasesOf(present, deps).filter((a) => a.functionVersion === version || version in a.weights);
  if (pointing.length === 0) return;
  throw new HearthError(
    'ResourceConflictException',
    `Version was unable to be deleted because the following aliases reference it: [${pointing.map((a) => a.name).join(', ')}]`,
  );
}
