import { HearthError } from '../../errors.ts';
import { functionArn, type FunctionVersion } from '../../model/function-version.ts';
import { notFound } from '../function-name.ts';
import type { Provisioned } from '../resources.ts';
import {
  absent,
  functionOf,
  invalid,
  referenceOf,
  type LambdaDeps,
  type Operation,
  type OperationCall,
  type Operations,
} from './operation.ts';
import type { Occupancy } from '../own/platform.ts';
import { qualifierTurn } from './aliases.ts';
import { pageOf } from './pages.ts';

const put: Operation = (call, deps) => {
  const requested = call.input['ProvisionedConcurrentExecutions'] as number;
  const unpublished = 'Provisioned Concurrency Configs cannot be applied to unpublished function versions.';
  return qualifierTurn(targetOf(call, deps, unpublished).of, deps, async () => {
    const target = targetOf(call, deps);
    refuseShared(target, deps);
    const { max } = target.of.scaling;
    if (max !== null && requested > max) {
      throw invalid(`Requested Provisioned Concurrency should not be greater than the reservedConcurrentExecution for function`);
    }
    if (requested > deps.limits.instances) {
      throw invalid(
        `Specified ConcurrentExecutions for function is greater than account's unreserved concurrency [${deps.limits.instances}].`,
      );
    }
    const config: Provisioned = { qualifier: target.qualifier, requested, modifiedAtMs: deps.clock.now() };
    await deps.resources.put('provisioned', target.key, config, target.of.functionId);
    return answer(config, { instances: 0, shortfall: null });
  });
};

const get: Operation = (call, deps) => {
  const target = targetOf(call, deps);
  const config = deps.resources.get('provisioned', target.key);
  if (config === null) throw none();
  return answer(config, allocated(target.of, config, deps));
};

const remove: Operation = async (call, deps) => {
  await deps.resources.remove('provisioned', targetOf(call, deps).key);
  return null;
};

const list: Operation = (call, deps) => {
  const of = functionOf(call, deps);
  const all = deps.resources.list('provisioned', `${of.functionId}/`);
  const { items, next } = pageOf(all, call.input, (c) => c.rest);
  const shown = items.map(({ rest, document }) => ({
    FunctionArn: `${functionArn(of)}:${rest}`,
    ...answer(document, allocated(of, document, deps)),
  }));
  return { ProvisionedConcurrencyConfigs: shown, ...next };
};

export const PROVISIONED: Operations = {
  PutProvisionedConcurrencyConfig: put,
  GetProvisionedConcurrencyConfig: get,
  DeleteProvisionedConcurrencyConfig: remove,
  ListProvisionedConcurrencyConfigs: list,
};

interface Target {
  readonly of: FunctionVersion;
  readonly qualifier: string;
  /** The number of the version that it means now. */
  readonly version: string;
  readonly key: string;
}

function targetOf(
  call: OperationCall,
  deps: LambdaDeps,
  unpublished = 'The function resource provided must be an alias or a published version.',
): Target {
  const { name, qualifier } = referenceOf(call, deps);
  const of = functionOf(call, deps);
  if (qualifier === null || qualifier === '$LATEST') throw invalid(unpublished);
  const version = deps.registry.get(name, qualifier);
  if (version === null) {
    if (/^\d+$/.test(qualifier)) throw notFound({ name, qualifier }, deps.registry.scope);
    throw absent(`Cannot find alias arn: ${functionArn(of)}:${qualifier}`);
  }
  return { of, qualifier, version: version.version, key: `${of.functionId}/${qualifier}` };
}

/** A version may be provisioned once: by its number or by one alias. */
function refuseShared({ of, qualifier, version }: Target, deps: LambdaDeps): void {
  for (const { rest } of deps.resources.list('provisioned', `${of.functionId}/`)) {
    if (rest === qualifier || deps.registry.get(of.name, rest)?.version !== version) continue;
    const message = /^\d+$/.test(qualifier)
      ? 'Version is pointed by a Provisioned Concurrency alias'
      : "Alias can't be used for Provisioned Concurrency configuration on an already Provisioned version";
    throw new HearthError('ResourceConflictException', message);
  }
}

type There = Pick<Occupancy, 'instances' | 'shortfall'>;

/** The instances that are there of those asked for, and why others are not. */
function allocated(of: FunctionVersion, config: Provisioned, deps: LambdaDeps): There {
  const stored = deps.registry.get(of.name, config.qualifier);
  const running = deps.registry.serving().find((v) => v.functionId === of.functionId && v.version === stored?.version);
  if (running === undefined) return { instances: 0, shortfall: null };
  const { instances, shortfall } = deps.platform.occupancy(running);
  return { instances: Math.min(config.requested, instances), shortfall };
}

function answer({ requested, modifiedAtMs }: Provisioned, { instances, shortfall }: There): Record<string, unknown> {
  return {
    RequestedProvisionedConcurrentExecutions: requested,
    AvailableProvisionedConcurrentExecutions: instances,
    AllocatedProvisionedConcurrentExecutions: instances,
    ...status(instances >= requested, shortfall),
    LastModified: new Date(modifiedAtMs).toISOString().replace('Z', '+0000'),
  };
}

/** Those that failed are tried again all the same, ever more rarely. */
function status(ready: boolean, shortfall: There['shortfall']): { Status: string; StatusReason?: string } {
  if (ready) return { Status: 'READY' };
  if (shortfall === null) return { Status: 'IN_PROGRESS' };
  return { Status: 'FAILED', StatusReason: shortfall.init ? 'FUNCTION_ERROR_INIT_FAILURE' : shortfall.message };
}

function none(): HearthError {
  return new HearthError('ProvisionedConcurrencyConfigNotFoundException', 'No Provisioned Concurrency Config found for this function');
}
