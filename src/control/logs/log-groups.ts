import { HearthError } from '../../errors.ts';
import { logGroup, type FunctionVersion } from '../../model/function-version.ts';
import type { JsonCall } from '../aws-json.ts';
import type { Input } from '../lambda/model/check.ts';
import type { Clock } from '../../lib/clock.ts';
import type { FunctionRegistry } from '../registry.ts';
import type { LogGroupSettings, Resources } from '../resources.ts';
import type { FunctionLogReader } from './log-events.ts';

export interface LogsDeps {
  readonly registry: Pick<FunctionRegistry, 'list' | 'scope'>;
  readonly logs: FunctionLogReader;
  readonly resources: Resources;
  readonly clock: Clock;
}

/** One operation of the API. Throws HearthError. */
export type LogsOperation = (call: JsonCall, deps: LogsDeps) => Promise<Readonly<Record<string, unknown>> | null>;

/**
 * What functions of one group write. A function has a group as long as it is there, whether or not it has written; one that was made is there until it is
 * deleted, whether or not a function writes to it.
 */
export interface LogGroup {
  readonly name: string;
  readonly functions: readonly FunctionVersion[];
  /** Null: it was not made, and nothing was set. */
  readonly settings: LogGroupSettings | null;
}

/** Every log group, by name. */
export function logGroups({ registry, resources }: LogsDeps): LogGroup[] {
  const groups = new Map<string, FunctionVersion[]>(resources.list('log-group').map(({ key }) => [key, []]));
  for (const version of registry.list()) {
    const name = logGroup(version);
    groups.set(name, [...(groups.get(name) ?? []), version]);
  }
  const all = [...groups].map(([name, functions]) => ({ name, functions, settings: resources.get('log-group', name) }));
  return all.sort((a, b) => (a.name < b.name ? -1 : 1));
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
  return groupCalled(groupNamed(input), deps);
}

/** The group of a name. Throws ResourceNotFoundException. */
export function groupCalled(name: string, deps: LogsDeps): LogGroup {
  const found = logGroups(deps).find((group) => group.name === name);
  if (found === undefined) throw new HearthError('ResourceNotFoundException', 'The specified log group does not exist.');
  return found;
}

/** Changes what is set of a group that is there. Throws ResourceNotFoundException. */
export function changeGroup(name: string, deps: LogsDeps, change: (present: LogGroupSettings) => LogGroupSettings): Promise<unknown> {
  return deps.resources.inTurn(`log group ${name}`, async () => {
    const group = groupCalled(name, deps);
    const present = group.settings ?? { ...UNSET, createdAtMs: await sinceWhen(group, deps) };
    await deps.resources.put('log-group', name, change(present), null);
  });
}

/** Of a group that nothing was said of. */
export const UNSET: Omit<LogGroupSettings, 'createdAtMs'> = { retentionDays: null, tags: {}, class: 'STANDARD', deletionProtected: false };

/** Since when there is a group, milliseconds since the epoch. */
export async function sinceWhen({ functions, settings }: LogGroup, { logs }: LogsDeps): Promise<number> {
  if (settings !== null) return settings.createdAtMs;
  const extents = (await Promise.all(functions.map((f) => logs.extent(f.name)))).filter((e) => e !== null);
  return Math.min(...extents.map((e) => e.sinceMs), ...functions.map((f) => f.modifiedAtMs));
}

export function groupArn(name: string, { registry: { scope } }: Pick<LogsDeps, 'registry'>): string {
  return `arn:aws:logs:${scope.region}:${scope.accountId}:log-group:${name}`;
}
