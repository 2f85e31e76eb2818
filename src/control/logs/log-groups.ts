import { HearthError } from '../../errors.ts';
import { logGroup, type FunctionVersion } from '../../model/function-version.ts';
import type { Input } from '../lambda/model/check.ts';
import type { FunctionRegistry } from '../registry.ts';
import type { FunctionLogReader } from './log-events.ts';

export interface LogsDeps {
  readonly registry: Pick<FunctionRegistry, 'list' | 'scope'>;
  readonly logs: FunctionLogReader;
}

/** What functions of one group write. A function has a group as long as it is there, whether or not it has written. */
export interface LogGroup {
  readonly name: string;
  readonly functions: readonly FunctionVersion[];
}

/** Every log group, by name. */
export function logGroups({ registry }: LogsDeps): LogGroup[] {
  const groups = new Map<string, FunctionVersion[]>();
  for (const version of registry.list()) {
    const name = logGroup(version);
    groups.set(name, [...(groups.get(name) ?? []), version]);
  }
  return [...groups].map(([name, functions]) => ({ name, functions })).sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** The name that an input gives, by name or ARN. Throws InvalidParameterException. */
function groupNamed(input: Input): string {
  const [name, identifier] = [input['logGroupName'], input['logGroupIdentifier']] as (string | undefined)[];
  if ((name === undefined) === (identifier === undefined))
    throw new HearthError('InvalidParameterException', 'Exactly one of logGroupName and logGroupIdentifier must be specified.');
  return nameIn(name ?? identifier ?? '');
}

/** The name of a group that is given as that or as its ARN. */
export function nameIn(identifier: string): string {
  return /^arn:[\w-]+:logs:[^:]*:[^:]*:log-group:([^:]+)(:\*)?$/.exec(identifier)?.[1] ?? identifier;
}

/** The group that an input names. Throws ResourceNotFoundException. */
export function groupOf(input: Input, deps: LogsDeps): LogGroup {
  const name = groupNamed(input);
  const found = logGroups(deps).find((group) => group.name === name);
  if (found === undefined) throw new HearthError('ResourceNotFoundException', 'The specified log group does not exist.');
  return found;
}

export function groupArn(name: string, { registry: { scope } }: Pick<LogsDeps, 'registry'>): string {
  return `arn:aws:logs:${scope.region}:${scope.accountId}:log-group:${name}`;
}
