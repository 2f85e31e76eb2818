import { HearthError } from '../../errors.ts';
import { ExpressionError } from '../../lib/calendar/cron-fields.ts';
import { parseSchedule } from '../../lib/calendar/schedule.ts';
import { DEFAULT_GROUP, type BusSchedule, type BusTarget } from '../../model/event-rule.ts';
import { whenOf } from '../../triggers/bus/bus-clock.ts';
import { page } from '../events/rules.ts';
import { deadLetterFault, isJson, targetFault } from '../events/target-check.ts';
import type { Input } from '../lambda/model/check.ts';
import { GROUP_OPERATIONS, inGroup, requireGroup, scheduleKey } from './groups.ts';
import type { SchedulerDeps, SchedulerOperation } from './operation.ts';

/** A schedule by the names of its group and its own. */
interface ScheduleOf {
  readonly group: string;
  readonly name: string;
}

export function scheduleArn(
  { group = DEFAULT_GROUP, name }: Pick<BusSchedule, 'group' | 'name'>,
  { scope }: Pick<SchedulerDeps, 'scope'>,
): string {
  return `arn:aws:scheduler:${scope.region}:${scope.accountId}:schedule/${group}/${name}`;
}

/** The schedule that a request names. Throws ResourceNotFoundException for a group that is not there. */
function scheduleIn(input: Input, deps: SchedulerDeps): ScheduleOf {
  return { group: requireGroup(input['GroupName'], deps), name: String(input['Name']) };
}

const createSchedule: SchedulerOperation = (input, deps) => {
  const of = scheduleIn(input, deps);
  const settings = settingsIn(input);
  return inTurn(of, deps, async (present) => {
    const clientToken = (input['ClientToken'] as string | undefined) ?? null;
    // The same request again, whose answer was lost.
    if (present !== null && (clientToken === null || present.clientToken !== clientToken))
      throw new HearthError('ConflictException', `Schedule ${of.name} already exists.`);
    const nowMs = deps.clock.now();
    const named = of.group === DEFAULT_GROUP ? { name: of.name } : of;
    const made = { scheduleId: deps.ids.uuid(), ...named, settings, clientToken, createdAtMs: nowMs, modifiedAtMs: nowMs };
    if (present === null) await deps.resources.put('bus-schedule', scheduleKey(of), made, null);
    return { ScheduleArn: scheduleArn(of, deps) };
  });
};

const updateSchedule: SchedulerOperation = (input, deps) => {
  const of = scheduleIn(input, deps);
  const settings = settingsIn(input);
  return inTurn(of, deps, async (present) => {
    const schedule = required(present, of.name);
    await deps.resources.put('bus-schedule', scheduleKey(of), { ...schedule, settings, modifiedAtMs: deps.clock.now() }, null);
    return { ScheduleArn: scheduleArn(of, deps) };
  });
};

const deleteSchedule: SchedulerOperation = (input, deps) => {
  const of = scheduleIn(input, deps);
  return inTurn(of, deps, async (present) => {
    required(present, of.name);
    await deps.resources.remove('bus-schedule', scheduleKey(of));
    return {};
  });
};

const getSchedule: SchedulerOperation = async (input, deps) => {
  const of = scheduleIn(input, deps);
  const schedule = required(deps.resources.get('bus-schedule', scheduleKey(of)), of.name);
  return { ...schedule.settings, ...summary(schedule, deps) };
};

const listSchedules: SchedulerOperation = async (input, deps) => {
  const group = input['GroupName'] === undefined ? null : requireGroup(input['GroupName'], deps);
  const prefix = (input['NamePrefix'] as string | undefined) ?? '';
  const wanted = deps.resources
    .list('bus-schedule')
    .map((s) => s.document)
    .filter((s) => s.name.startsWith(prefix) && (group ?? s.group ?? DEFAULT_GROUP) === (s.group ?? DEFAULT_GROUP))
    .filter((s) => input['State'] === undefined || s.settings['State'] === input['State']);
  const { items, next } = page(wanted, input, scheduleKey);
  const shown = (s: BusSchedule): object => ({
    ...summary(s, deps),
    State: s.settings['State'],
    Target: { Arn: (s.settings['Target'] as Input)['Arn'] },
  });
  return { Schedules: items.map(shown), ...next };
};

function summary(schedule: BusSchedule, deps: SchedulerDeps): Record<string, unknown> {
  const { group = DEFAULT_GROUP, name, createdAtMs, modifiedAtMs } = schedule;
  return { Name: name, GroupName: group, Arn: scheduleArn(schedule, deps), CreationDate: createdAtMs, LastModificationDate: modifiedAtMs };
}

/** The settings that a request gives, defaults filled in. Throws ValidationException for what can't be served. */
function settingsIn(input: Input): Record<string, unknown> {
  const { Name: _1, GroupName: _2, ClientToken: _3, ...given } = input;
  const settings = { ActionAfterCompletion: 'NONE', ScheduleExpressionTimezone: 'UTC', State: 'ENABLED', ...given };
  checkTime(settings);
  const target = input['Target'] as BusTarget;
  const fault = targetFault(target.Arn) ?? deadLetterFault(target);
  if (fault !== null) throw invalid(fault);
  if (target.Input !== undefined && target.Arn.includes(':lambda:') && !isJson(target.Input))
    throw invalid('The Input of a function must be well-formed JSON.');
  return settings;
}

/** As Scheduler wants it written: a moment has no offset, having a time zone beside it. */
const WRITTEN = /^(?:cron\(.*\)|rate\(\d+ \w+\)|at\(\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\))$/;

function checkTime(settings: Readonly<Record<string, unknown>>): void {
  const expression = String(settings['ScheduleExpression']);
  const window = settings['FlexibleTimeWindow'] as { readonly Mode: string; readonly MaximumWindowInMinutes?: number };
  if (window.Mode === 'FLEXIBLE' && window.MaximumWindowInMinutes === undefined)
    throw invalid('MaximumWindowInMinutes must be provided when FlexibleTimeWindow Mode is FLEXIBLE.');
  if (window.Mode === 'OFF' && window.MaximumWindowInMinutes !== undefined)
    throw invalid('MaximumWindowInMinutes must not be provided when FlexibleTimeWindow Mode is OFF.');
  try {
    if (!WRITTEN.test(expression)) throw new ExpressionError('write cron(0 6 * * ? *), rate(5 minutes) or at(2027-01-31T06:00:00)');
    parseSchedule(whenOf({ settings }), 0);
  } catch (error) {
    if (!(error instanceof ExpressionError)) throw error;
    throw invalid(`Invalid Schedule Expression ${expression}. Reason: ${error.message}`);
  }
}

function required(schedule: BusSchedule | null, name: string): BusSchedule {
  if (schedule === null) throw new HearthError('ResourceNotFoundException', `Schedule ${name} does not exist.`);
  return schedule;
}

/** By its turn its group may be gone: throws ResourceNotFoundException then. */
function inTurn<T>(of: ScheduleOf, deps: SchedulerDeps, task: (present: BusSchedule | null) => Promise<T>): Promise<T> {
  return inGroup(of.group, deps.resources, () => {
    requireGroup(of.group, deps);
    return task(deps.resources.get('bus-schedule', scheduleKey(of)));
  });
}

function invalid(message: string): HearthError {
  return new HearthError('ValidationException', message);
}

const OPERATIONS: Readonly<Record<string, SchedulerOperation>> = {
  ...GROUP_OPERATIONS,
  CreateSchedule: createSchedule,
  DeleteSchedule: deleteSchedule,
  GetSchedule: getSchedule,
  ListSchedules: listSchedules,
  UpdateSchedule: updateSchedule,
};

/** Serves an operation by its name. */
export async function schedulerOperation(name: string, input: Input, deps: SchedulerDeps): Promise<Readonly<Record<string, unknown>>> {
  const operation = OPERATIONS[name];
  if (operation === undefined) throw new Error(`nothing serves ${name}`);
  return operation(input, deps);
}
