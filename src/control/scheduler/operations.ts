import { HearthError } from '../../errors.ts';
import { ExpressionError } from '../../lib/calendar/cron-fields.ts';
import { parseSchedule } from '../../lib/calendar/schedule.ts';
import type { Clock } from '../../lib/clock.ts';
import type { Ids } from '../../lib/ids.ts';
import type { BusSchedule, BusTarget } from '../../model/event-rule.ts';
import { whenOf } from '../../triggers/bus/bus-clock.ts';
import { page } from '../events/rules.ts';
import { deadLetterFault, isJson, targetFault } from '../events/target-check.ts';
import type { Input } from '../lambda/model/check.ts';
import type { Resources } from '../resources.ts';

export interface SchedulerDeps {
  readonly resources: Resources;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly scope: { readonly accountId: string; readonly region: string };
}

/** One operation of Scheduler's API. Throws HearthError. */
type SchedulerOperation = (input: Input, deps: SchedulerDeps) => Promise<Readonly<Record<string, unknown>>>;

/** There is one group. */
const GROUP = 'default';

export function scheduleArn(name: string, { scope }: Pick<SchedulerDeps, 'scope'>): string {
  return `arn:aws:scheduler:${scope.region}:${scope.accountId}:schedule/${GROUP}/${name}`;
}

const createSchedule: SchedulerOperation = (input, deps) => {
  const name = String(input['Name']);
  const settings = settingsIn(input);
  return inTurn(name, deps, async (present) => {
    const clientToken = (input['ClientToken'] as string | undefined) ?? null;
    // The same request again, whose answer was lost.
    if (present !== null && (clientToken === null || present.clientToken !== clientToken))
      throw new HearthError('ConflictException', `Schedule ${name} already exists.`);
    const nowMs = deps.clock.now();
    const made = { scheduleId: deps.ids.uuid(), name, settings, clientToken, createdAtMs: nowMs, modifiedAtMs: nowMs };
    if (present === null) await deps.resources.put('bus-schedule', name, made, null);
    return { ScheduleArn: scheduleArn(name, deps) };
  });
};

const updateSchedule: SchedulerOperation = (input, deps) => {
  const name = String(input['Name']);
  const settings = settingsIn(input);
  return inTurn(name, deps, async (present) => {
    const schedule = required(present, name);
    await deps.resources.put('bus-schedule', name, { ...schedule, settings, modifiedAtMs: deps.clock.now() }, null);
    return { ScheduleArn: scheduleArn(name, deps) };
  });
};

const deleteSchedule: SchedulerOperation = (input, deps) => {
  const name = String(input['Name']);
  return inTurn(name, deps, async (present) => {
    required(present, name);
    await deps.resources.remove('bus-schedule', name);
    return {};
  });
};

const getSchedule: SchedulerOperation = async (input, deps) => {
  const name = String(input['Name']);
  const schedule = required(deps.resources.get('bus-schedule', name), name);
  return { ...schedule.settings, ...summary(schedule, deps) };
};

const listSchedules: SchedulerOperation = async (input, deps) => {
  const all = deps.resources.list('bus-schedule', (input['NamePrefix'] as string | undefined) ?? '').map((s) => s.document);
  const wanted = all.filter((s) => input['State'] === undefined || s.settings['State'] === input['State']);
  const { items, next } = page(wanted, input, (s) => s.name);
  const shown = (s: BusSchedule): object => ({
    ...summary(s, deps),
    State: s.settings['State'],
    Target: { Arn: (s.settings['Target'] as Input)['Arn'] },
  });
  return { Schedules: items.map(shown), ...next };
};

function summary({ name, createdAtMs, modifiedAtMs }: BusSchedule, deps: SchedulerDeps): Record<string, unknown> {
  return { Name: name, GroupName: GROUP, Arn: scheduleArn(name, deps), CreationDate: createdAtMs, LastModificationDate: modifiedAtMs };
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

function inTurn<T>(name: string, deps: SchedulerDeps, task: (present: BusSchedule | null) => Promise<T>): Promise<T> {
  return deps.resources.inTurn(`schedule ${name}`, () => task(deps.resources.get('bus-schedule', name)));
}

function invalid(message: string): HearthError {
  return new HearthError('ValidationException', message);
}

const OPERATIONS: Readonly<Record<string, SchedulerOperation>> = {
  CreateSchedule: createSchedule,
  DeleteSchedule: deleteSchedule,
  GetSchedule: getSchedule,
  ListSchedules: listSchedules,
  UpdateSchedule: updateSchedule,
};

/** Serves an operation by its name, in the one group that there is. */
export async function schedulerOperation(name: string, input: Input, deps: SchedulerDeps): Promise<Readonly<Record<string, unknown>>> {
  const group = (input['GroupName'] as string | undefined) ?? GROUP;
  if (group !== GROUP) throw new HearthError('ResourceNotFoundException', `Schedule group ${group} does not exist.`);
  const operation = OPERATIONS[name];
  if (operation === undefined) throw new Error(`nothing serves ${name}`);
  return operation(input, deps);
}
