import { HearthError } from '../../errors.ts';
import { refuse } from '../function-name.ts';
import { referenceOf, unqualifiedFunction, type LambdaDeps, type Operation } from './operation.ts';

/** What of the account's concurrency must be left for functions that reserve none, as on Lambda; a tenth of it on a machine with less. */
function leastUnreserved(instances: number): number {
  return Math.min(100, Math.floor(instances / 10));
}

export const putFunctionConcurrency: Operation = (call, deps) => {
  const { name } = unqualifiedFunction(call, deps);
  const max = call.input['ReservedConcurrentExecutions'] as number;
  if (max < 0)
    refuse([
      `Value '${max}' at 'reservedConcurrentExecutions' failed to satisfy constraint: Member must have value greater than or equal to 0`,
    ]);
  // One after the other: two at once would each find room that only one of them may have.
  return deps.resources.inTurn('reserved concurrency', () => reserve(name, max, deps));
};

async function reserve(name: string, max: number, deps: LambdaDeps): Promise<Record<string, unknown>> {
  const others = deps.registry.list().filter((f) => f.name !== name);
  const reserved = others.reduce((sum, f) => sum + (f.scaling.max ?? 0), 0);
  const least = leastUnreserved(deps.limits.instances);
  if (max > 0 && deps.limits.instances - reserved - max < least) {
    // Lambda leaves out the type here.
    throw new HearthError(
      'InvalidParameterValueException',
      `Specified ReservedConcurrentExecutions for function decreases account's UnreservedConcurrentExecution below its minimum value of [${least}].`,
      { details: { Type: null } },
    );
  }
  await deps.registry.update(name, (f) => ({ scaling: { ...f.scaling, max } }));
  return { ReservedConcurrentExecutions: max };
}

export const getFunctionConcurrency: Operation = (call, deps) => {
  const { max } = deps.registry.require(referenceOf(call, deps)).scaling;
  return max === null ? {} : { ReservedConcurrentExecutions: max };
};

export const deleteFunctionConcurrency: Operation = async (call, deps) => {
  const version = unqualifiedFunction(call, deps);
  if (version.scaling.max !== null) await deps.registry.update(version.name, (f) => ({ scaling: { ...f.scaling, max: null } }));
  return null;
};
