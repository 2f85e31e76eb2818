import { rateMs } from '../../lib/calendar/schedule.ts';
import type { NewDelivery } from '../../model/delivery.ts';
import { DEFAULT_GROUP, type BusEvent, type BusSchedule, type BusTarget, type EventRule } from '../../model/event-rule.ts';
import type { TriggerRecord } from '../../model/trigger-record.ts';
import type { TriggerConfiguration } from '../../model/triggers.ts';
import { scheduleEvent, withScheduleWords } from '../schedule/event.ts';
import type { ScheduleLedger } from '../schedule/ledger.ts';
import { ScheduleSource, type ScheduleDeps } from '../schedule/schedule-source.ts';
import { busDelivery, type Given, type TargetLookup } from './bus-deliveries.ts';
import { isWhole, targetInput } from './target-input.ts';

/** What times of rules and schedules remember; they are forgotten with them. */
export interface BusClockLedger extends ScheduleLedger {
  forget(id: string): Promise<void>;
}

export interface BusClockDeps extends Pick<ScheduleDeps, 'clock' | 'log'> {
  readonly ledger: BusClockLedger;
  readonly lookup: TargetLookup;
  readonly scope: { readonly accountId: string; readonly region: string };
  /** A schedule that was to go when nothing more is due. */
  readonly completed: (schedule: BusSchedule) => void;
}

type Timed = { readonly rule: EventRule } | { readonly schedule: BusSchedule };

/** The times of the event bus's rules and of Scheduler's schedules, on one timer; as of triggers of hearth.yaml each time comes once. */
export class BusClock {
  readonly #deps: BusClockDeps;
  readonly #source: ScheduleSource;
  readonly #timed = new Map<string, Timed>();

  constructor(deps: BusClockDeps) {
    this.#deps = deps;
    this.#source = new ScheduleSource({
      ...deps,
      deliveries: (record, atMs) => this.#deliveries(record, atMs),
      ended: (id) => this.#ended(id),
    });
  }

  /** Serves a rule as it is from now on. Without a target it waits: its times count once it has one. */
  setRule(rule: EventRule): void {
    if (rule.schedule === null) {
      void this.remove(rule.ruleId);
      return;
    }
    this.#timed.set(rule.ruleId, { rule });
    const when = rule.schedule.startsWith('rate') ? { rate: rule.schedule } : { cron: rule.schedule };
    this.#start(rule.ruleId, { ...when, enabled: rule.enabled && rule.targets.length > 0 }, rule.changedAtMs);
  }

  /** Serves a schedule as it is from now on. As on AWS a rate without a start is due at once when it was made; a change leaves its rhythm. */
  setSchedule(schedule: BusSchedule): void {
    this.#timed.set(schedule.scheduleId, { schedule });
    const when = whenOf(schedule);
    const { createdAtMs, modifiedAtMs } = schedule;
    const anchorMs = when.rate === undefined || when.start !== undefined ? modifiedAtMs : createdAtMs - rateMs(when.rate);
    // Of one that was changed (disabled for a week, or seldom before), no time from before that was missed.
    this.#start(schedule.scheduleId, when, anchorMs, modifiedAtMs > createdAtMs ? modifiedAtMs : anchorMs);
  }

  /** Ends the times of a rule or schedule, and forgets them. */
  async remove(id: string): Promise<void> {
    if (!this.#timed.delete(id)) return;
    await this.#source.stop(id);
    await this.#deps.ledger
      .forget(id)
      .catch((err: unknown) => this.#deps.log.warn({ err, id }, 'the last time of a schedule could not be forgotten'));
  }

  close(): Promise<void> {
    return this.#source.close();
  }

  /** `changedAtMs`: from when its intervals count; `fromMs`: from when its times do. */
  // eslint-disable-next-line max-params -- the parts of one start
  #start(id: string, configuration: TriggerConfiguration<'schedule'>, changedAtMs: number, fromMs = changedAtMs): void {
    const none = { functionId: '', functionName: '', retired: false };
    this.#source.start({ id, ...this.#deps.scope, ...none, kind: 'schedule', configuration, changedAtMs }, fromMs);
  }

  #ended(id: string): void {
    const timed = this.#timed.get(id);
    if (timed !== undefined && 'schedule' in timed && timed.schedule.settings['ActionAfterCompletion'] === 'DELETE')
      this.#deps.completed(timed.schedule);
  }

  #deliveries({ id }: TriggerRecord<'schedule'>, atMs: number): NewDelivery[] {
    const timed = this.#timed.get(id);
    if (timed === undefined) return [];
    if ('schedule' in timed) return this.#ofSchedule(timed.schedule, atMs);
    const { rule } = timed;
    const { accountId, region } = this.#deps.scope;
    const arn = `arn:aws:events:${region}:${accountId}:rule/${rule.name}`;
    const event = scheduleEvent({ id: `${id}:${atMs}`, arn, atMs, accountId, region, source: 'aws.events' }) as BusEvent;
    const words = { ruleName: rule.name, ruleArn: arn, ingestedAt: event.time };
    return rule.targets.flatMap((target) =>
      this.#delivery({ id, arn, name: rule.name, atMs }, target, {
        payload: targetInput(target, event, words),
        event: isWhole(target) ? null : event,
      }),
    );
  }

  #ofSchedule({ scheduleId, group = DEFAULT_GROUP, name, settings }: BusSchedule, atMs: number): NewDelivery[] {
    const { accountId, region } = this.#deps.scope;
    const arn = `arn:aws:scheduler:${region}:${accountId}:schedule/${group}/${name}`;
    const target = { Id: 'target', ...(settings['Target'] as Omit<BusTarget, 'Id'>) } as BusTarget;
    const words = { id: scheduleId, arn, atMs };
    const input =
      target.Input === undefined
        ? JSON.stringify(scheduleEvent({ ...words, id: `${scheduleId}:${atMs}`, accountId, region, source: 'aws.scheduler' }))
        : withScheduleWords(target.Input, words);
    return this.#delivery({ id: scheduleId, arn, name, atMs }, target, { payload: input, event: null });
  }

  #delivery(of: { id: string; arn: string; name: string; atMs: number }, target: BusTarget, given: Given): NewDelivery[] {
    const happening = {
      id: `schedule:${of.id}:${new Date(of.atMs).toISOString()}`,
      source: 'schedule' as const,
      sourceArn: of.arn,
      subject: of.name,
      lineage: '',
      traceId: '',
      occurredAtMs: of.atMs,
    };
    const delivery = busDelivery(happening, target, given, this.#deps.lookup);
    if (delivery === null)
      this.#deps.log.warn({ schedule: of.name, target: target.Arn }, 'the target of a schedule is not there; it misses an event');
    return delivery === null ? [] : [delivery];
  }
}

/** A schedule's time in the words of triggers. Throws nothing: it was checked. */
export function whenOf({ settings }: Pick<BusSchedule, 'settings'>): TriggerConfiguration<'schedule'> {
  const expression = inNumber(String(settings['ScheduleExpression']));
  const kind = /^(cron|rate|at)\(/.exec(expression)?.[1] ?? 'cron';
  const window = settings['FlexibleTimeWindow'] as { Mode?: string; MaximumWindowInMinutes?: number } | undefined;
  const moment = (name: string): string | undefined =>
    typeof settings[name] === 'number' ? new Date(settings[name]).toISOString().replace(/\.\d+Z$/, 'Z') : undefined;
  const [start, end] = [moment('StartDate'), moment('EndDate')];
  return {
    [kind]: expression,
    ...(typeof settings['ScheduleExpressionTimezone'] === 'string' ? { timezone: settings['ScheduleExpressionTimezone'] } : {}),
    ...(kind === 'at' || start === undefined ? {} : { start }),
    ...(kind === 'at' || end === undefined ? {} : { end }),
    ...(window?.Mode === 'FLEXIBLE' ? { flexibleMinutes: window.MaximumWindowInMinutes } : {}),
    enabled: settings['State'] !== 'DISABLED',
  };
}

/** Scheduler, unlike rules, takes `rate(1 hours)` and `rate(5 minute)`, too. */
function inNumber(expression: string): string {
  return expression.replace(/^rate\(\s*(\d+)\s+(minute|hour|day)s?\s*\)$/, (_, count: string, unit: string) => {
    return `rate(${count} ${unit}${Number(count) === 1 ? '' : 's'})`;
  });
}
