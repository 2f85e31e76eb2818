import { HearthError } from '../../errors.ts';
import type { FunctionVersion } from '../../model/function-version.ts';
import { notFound } from '../function-name.ts';
import { aliasesOf, qualifierTurn, removeBelongings } from './aliases.ts';
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
  const of = deps.registry.get(name);
  if (of === null) throw notFound(reference, deps.registry.scope);
  return qualifierTurn(of, deps, async () => {
    refuseAliased(of, qualifier, deps);
    await removeBelongings(`${of.functionId}/${qualifier}`, deps);
    // As on Lambda, a version that is not there is none the less deleted.
    await deps.registry.removeVersion(name, qualifier);
    return { StatusCode: 204 };
  });
};

function refuseAliased(of: FunctionVersion, version: string, deps: LambdaDeps): void {
  const pointing = aliasesOf(of, deps).filter((a) => a.functionVersion === version || version in a.weights);
  if (pointing.length === 0) return;
  throw new HearthError(
    'ResourceConflictException',
    `Version was unable to be deleted because the following aliases reference it: [${pointing.map((a) => a.name).join(', ')}]`,
  );
}
