import type { FunctionRegistry } from '../control/registry.ts';
import type { Resources } from '../control/resources.ts';
import type { Timer } from '../lib/clock.ts';
import { logGroup } from '../model/function-version.ts';
import type { FunctionLogs } from '../observe/function-logs.ts';
import type { Base } from './base.ts';

const SWEEP_MS = 60 * 60_000;
const DAY_MS = 24 * 60 * 60_000;

interface Parts {
  readonly registry: Pick<FunctionRegistry, 'get'>;
  readonly resources: Resources;
  readonly logs: FunctionLogs;
}

/**
 * Has logs keep what the retention of their group says and no longer: older lines are not given out from the moment on that it is put, and removed now
 * and every hour. Returns the way to stop.
 */
export function keepRetention({ clock, log }: Pick<Base, 'clock' | 'log'>, { registry, resources, logs }: Parts): () => void {
  logs.keepSince((name) => {
    const version = registry.get(name);
    const days = version === null ? null : (resources.get('log-group', logGroup(version))?.retentionDays ?? null);
    return days === null ? 0 : clock.now() - days * DAY_MS;
  });
  let timer: Timer | null = null;
  const sweep = (): void => {
    timer = clock.after(SWEEP_MS, sweep);
    logs.expire().catch((err: unknown) => log.warn({ err }, 'lines of logs that are older than their retention could not be removed'));
  };
  sweep();
  return () => timer?.cancel();
}
