import type { Clock } from '../../lib/clock.ts';
import type { Ids } from '../../lib/ids.ts';
import type { Input } from '../lambda/model/check.ts';
import type { Resources } from '../resources.ts';

export interface SchedulerDeps {
  readonly resources: Resources;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly scope: { readonly accountId: string; readonly region: string };
}

/** One operation of Scheduler's API. Throws HearthError. */
export type SchedulerOperation = (input: Input, deps: SchedulerDeps) => Promise<Readonly<Record<string, unknown>>>;
