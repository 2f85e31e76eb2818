import { parseReference } from '../control/function-name.ts';
import type { FunctionRegistry } from '../control/registry.ts';
import { HearthError } from '../errors.ts';
import type { Targets } from '../objects/events/targets.ts';

/** Functions and queues by the ARNs that buckets' notifications, rules and schedules name. Without `hasQueue` a queue may be made later. */
export function targetsIn(registry: FunctionRegistry, hasQueue: (name: string) => boolean = (name) => name !== ''): Targets {
  const { scope } = registry;
  return {
    functionOf(arn) {
      try {
        const { functionId } = registry.find(arn, null);
        return { functionId, qualifier: parseReference(arn, null, scope).qualifier };
      } catch (error) {
        if (error instanceof HearthError) return null;
        throw error;
      }
    },
    queueOf(arn) {
      const [, , service, region, account, name, ...more] = arn.split(':');
      const ours = service === 'sqs' && region === scope.region && account === scope.accountId && more.length === 0;
      return ours && name !== undefined && hasQueue(name) ? name : null;
    },
  };
}
