import type { Authority } from '../auth/authority.ts';
import { ruleArn } from '../control/events/rules.ts';
import { eventsService } from '../control/events/service.ts';
import type { FunctionRegistry } from '../control/registry.ts';
import type { Resources } from '../control/resources.ts';
import { inGroup, scheduleKey } from '../control/scheduler/groups.ts';
import { SchedulerService } from '../control/scheduler/service.ts';
import type { EndpointService } from '../gateway/endpoint-service.ts';
import type { NewDelivery } from '../model/delivery.ts';
import type { BusSchedule, Published } from '../model/event-rule.ts';
import type { PostgresStore } from '../store/postgres-store.ts';
import { BusClock } from '../triggers/bus/bus-clock.ts';
import { EventBus } from '../triggers/bus/event-bus.ts';
import type { Base } from './base.ts';
import { targetsIn } from './target-lookup.ts';

interface Parts {
  readonly store: PostgresStore;
  readonly registry: FunctionRegistry;
  readonly resources: Resources;
  readonly authority: Authority;
}

interface OpenBus {
  /** EventBridge's API and Scheduler's. */
  readonly services: readonly EndpointService[];
  /** What an event of another part of Hearth comes to by the rules. */
  readonly deliveries: (published: Published) => NewDelivery[];
}

/** The event buses and Scheduler with their APIs: what their rules and schedules say is served, as it is and as it changes. */
export function openBus(base: Base, { store, registry, resources, authority }: Parts): OpenBus {
  const { clock, ids, log, closing } = base;
  const { scope } = registry;
  const lookup = targetsIn(registry);
  const bus = new EventBus({ intake: store.intake, lookup, ruleArn: (rule) => ruleArn(rule, { scope }), log });
  const completed = (schedule: BusSchedule): void =>
    void forget(resources, schedule).catch((err: unknown) =>
      log.warn({ err, schedule: schedule.name }, 'a completed schedule could not be removed'),
    );
  const times = new BusClock({ ledger: store.busTimes, lookup, scope, clock, log, completed });
  closing.add('schedules', () => times.close());
  follow(resources, bus, times);
  const common = { resources, clock, ids, scope, authority, log };
  const events = eventsService({ ...common, publish: (published) => bus.publish(published) });
  return { services: [events, new SchedulerService(common)], deliveries: (published) => bus.deliveries(published) };
}

/** Serves what is there, and every change. */
function follow(resources: Resources, bus: EventBus, times: BusClock): void {
  /** Ids by kind and key: of what was removed nothing else is left. */
  const known = new Map<string, string>();
  const serve = (kind: 'event-rule' | 'bus-schedule', key: string): void => {
    const id = known.get(`${kind} ${key}`);
    const rule = kind === 'event-rule' ? resources.get(kind, key) : null;
    const schedule = kind === 'bus-schedule' ? resources.get(kind, key) : null;
    const next = rule?.ruleId ?? schedule?.scheduleId;
    if (id !== undefined && id !== next) {
      known.delete(`${kind} ${key}`);
      bus.remove(id);
      void times.remove(id);
    }
    if (next !== undefined) known.set(`${kind} ${key}`, next);
    if (rule !== null) {
      bus.set(rule);
      times.setRule(rule);
    }
    if (schedule !== null) times.setSchedule(schedule);
  };
  for (const kind of ['event-rule', 'bus-schedule'] as const) for (const { key } of resources.list(kind)) serve(kind, key);
  resources.onChange((kind, key) => {
    if (kind === 'event-rule' || kind === 'bus-schedule') serve(kind, key);
  });
}

/** Unless it was changed or made anew meanwhile. */
function forget(resources: Resources, schedule: BusSchedule): Promise<void> {
  const key = scheduleKey(schedule);
  return inGroup(schedule.group, resources, async () => {
    const present = resources.get('bus-schedule', key);
    if (present?.scheduleId === schedule.scheduleId && present.modifiedAtMs === schedule.modifiedAtMs)
      await resources.remove('bus-schedule', key);
  });
}
