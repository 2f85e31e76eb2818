import type { Config } from '../config/config.ts';
import type { FunctionRegistry } from '../control/registry.ts';
import type { Clock } from '../lib/clock.ts';
import type { Ids } from '../lib/ids.ts';
import type { Logger } from '../observe/logger.ts';
import type { PostgresStore } from '../store/postgres-store.ts';
import { ScheduleSource } from '../triggers/schedule/schedule-source.ts';
import type { TriggerSource } from '../triggers/trigger.ts';
import { Triggers } from '../triggers/triggers.ts';

export interface TriggerParts {
  readonly config: Config;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly log: Logger;
  readonly store: PostgresStore;
  readonly registry: FunctionRegistry;
}

/** Every kind of trigger that is served here; a new kind is a line. */
function sourcesOf({ store, clock, log }: TriggerParts): TriggerSource[] {
  return [new ScheduleSource({ ledger: store.schedules, clock, log })];
}

/** The triggers of every function, served. Those of a function that is removed go with it. */
export async function openTriggers(parts: TriggerParts): Promise<Triggers> {
  const { clock, ids, log, store, registry } = parts;
  const sources = sourcesOf(parts);
  const triggers = await Triggers.open({ store: store.triggers, sources, functions: registry, scope: registry.scope, clock, ids, log });
  registry.onChange((change) => {
    if (change.kind === 'removed') void triggers.forget(change.previous.functionId);
  });
  return triggers;
}
