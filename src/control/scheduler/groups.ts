import { HearthError } from '../../errors.ts';
import { DEFAULT_GROUP, type BusSchedule, type ScheduleGroup } from '../../model/event-rule.ts';
import { page } from '../events/rules.ts';
import { tagsIn, type Tags } from '../events/tags.ts';
import type { Input } from '../lambda/model/check.ts';
import type { Resources } from '../resources.ts';
import type { SchedulerDeps, SchedulerOperation } from './operation.ts';

/** No name of a group or schedule has a slash. */
export function scheduleKey({ group = DEFAULT_GROUP, name }: Pick<BusSchedule, 'group' | 'name'>): string {
  return group === DEFAULT_GROUP ? name : `${group}/${name}`;
}

/** Runs a task when those in the same group that came before have ended. */
export function inGroup<T>(group: string | undefined, resources: Resources, task: () => Promise<T>): Promise<T> {
  return resources.inTurn(`schedule group ${group ?? DEFAULT_GROUP}`, task);
}

export function groupArn(group: string, { scope }: Pick<SchedulerDeps, 'scope'>): string {
  return `arn:aws:scheduler:${scope.region}:${scope.accountId}:schedule-group/${group}`;
}

/** The name of the group that a request gives, `default` where it gives none. Throws ResourceNotFoundException for one that is not there. */
export function requireGroup(given: unknown, deps: SchedulerDeps): string {
  const group = (given as string | undefined) ?? DEFAULT_GROUP;
  if (group === DEFAULT_GROUP || deps.resources.get('schedule-group', group) !== null) return group;
  throw new HearthError('ResourceNotFoundException', `Schedule group ${group} does not exist.`);
}

const createGroup: SchedulerOperation = (input, deps) => {
  const name = String(input['Name']);
  const clientToken = (input['ClientToken'] as string | undefined) ?? null;
  const tags = tagsIn(input['Tags']);
  checkTags(tags);
  return inGroup(name, deps.resources, async () => {
    const present = deps.resources.get('schedule-group', name);
    // The same request again, whose answer was lost.
    const again = present !== null && clientToken !== null && present.clientToken === clientToken;
    if (name === DEFAULT_GROUP || (present !== null && !again))
      throw new HearthError('ConflictException', `Schedule group ${name} already exists.`);
    const nowMs = deps.clock.now();
    const made = { clientToken, tags, createdAtMs: nowMs, modifiedAtMs: nowMs };
    if (present === null) await deps.resources.put('schedule-group', name, made, null);
    return { ScheduleGroupArn: groupArn(name, deps) };
  });
};

/** With it go its schedules: at once, so that it is never seen as DELETING. */
const deleteGroup: SchedulerOperation = (input, deps) => {
  const name = String(input['Name']);
  if (name === DEFAULT_GROUP) throw new HearthError('ValidationException', 'The schedule group default can not be deleted.');
  return inGroup(name, deps.resources, async () => {
    requireGroup(name, deps);
    // The group last: where this ends half-way, it is there to be deleted again.
    for (const { key } of deps.resources.list('bus-schedule', `${name}/`)) await deps.resources.remove('bus-schedule', key);
    await deps.resources.remove('schedule-group', name);
    return {};
  });
};

const getGroup: SchedulerOperation = async (input, deps) => shown(requireGroup(input['Name'], deps), deps);

const listGroups: SchedulerOperation = async (input, deps) => {
  const names = new Set([DEFAULT_GROUP, ...deps.resources.list('schedule-group').map(({ key }) => key)]);
  const wanted = [...names].filter((name) => name.startsWith((input['NamePrefix'] as string | undefined) ?? '')).sort();
  const { items, next } = page(wanted, input, (name) => name);
  return { ScheduleGroups: items.map((name) => shown(name, deps)), ...next };
};

function shown(name: string, deps: SchedulerDeps): Record<string, unknown> {
  const group = deps.resources.get('schedule-group', name);
  return {
    Name: name,
    Arn: groupArn(name, deps),
    State: 'ACTIVE',
    CreationDate: group?.createdAtMs,
    LastModificationDate: group?.modifiedAtMs,
  };
}

const MOST_TAGS = 50;

function checkTags(tags: Tags): void {
  if (Object.keys(tags).length > MOST_TAGS)
    throw new HearthError('ValidationException', `A schedule group can have at most ${MOST_TAGS} tags.`);
}

/** The name of the group that an ARN is of; as on AWS nothing else here has tags. Throws ValidationException or ResourceNotFoundException. */
function groupOf(input: Input, deps: SchedulerDeps): string {
  const arn = String(input['ResourceArn']);
  const name = arn.split('/').at(-1) ?? '';
  if (arn !== groupArn(name, deps)) throw new HearthError('ResourceNotFoundException', `Resource ${arn} does not exist.`);
  return requireGroup(name, deps);
}

const listTags: SchedulerOperation = async (input, deps) => {
  const { tags = {} } = deps.resources.get('schedule-group', groupOf(input, deps)) ?? {};
  return { Tags: Object.entries(tags).map(([Key, Value]) => ({ Key, Value })) };
};

function tagging(change: (present: Tags, input: Input) => Tags): SchedulerOperation {
  return (input, deps) => {
    const name = groupOf(input, deps);
    return inGroup(name, deps.resources, async () => {
      requireGroup(name, deps);
      const nowMs = deps.clock.now();
      const none: ScheduleGroup = { clientToken: null, tags: {}, createdAtMs: nowMs, modifiedAtMs: nowMs };
      const present = deps.resources.get('schedule-group', name) ?? none;
      const tags = change(present.tags, input);
      checkTags(tags);
      await deps.resources.put('schedule-group', name, { ...present, tags, modifiedAtMs: nowMs }, null);
      return {};
    });
  };
}

const tagGroup = tagging((present, input) => ({ ...present, ...tagsIn(input['Tags']) }));

const untagGroup = tagging((present, input) => {
  const gone = new Set(input['TagKeys'] as readonly string[]);
  return Object.fromEntries(Object.entries(present).filter(([key]) => !gone.has(key)));
});

export const GROUP_OPERATIONS: Readonly<Record<string, SchedulerOperation>> = {
  CreateScheduleGroup: createGroup,
  DeleteScheduleGroup: deleteGroup,
  GetScheduleGroup: getGroup,
  ListScheduleGroups: listGroups,
  ListTagsForResource: listTags,
  TagResource: tagGroup,
  UntagResource: untagGroup,
};
