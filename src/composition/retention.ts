import type { Timer } from '../lib/clock.ts';
import type { DatabaseStore } from '../store/postgres-store.ts';
import type { Base } from './base.ts';

const SWEEP_MS = 60_000;
/** There may be more: soon, yet not so that nothing else gets at the database. */
const SOON_MS = 100;
const DAY_MS = 24 * 60 * 60_000;

interface Swept {
  readonly deliveries: Pick<DatabaseStore['deliveries'], 'sweep'>;
  readonly usageDays: DatabaseStore['usageDays'];
}

type Deps = Pick<Base, 'config' | 'clock' | 'log'>;

/**
 * Removes finished deliveries that are too old or too many, a batch at a time; sums up days of usage that are over, and removes the records of those that
 * are too old, a day at a time. Returns the way to stop.
 */
export function keepBounded({ config, clock, log }: Deps, store: Swept): () => void {
  const deliveries = { ms: config.events.keepMs, count: config.events.keepCount };
  const sweepDeliveries = async (): Promise<boolean> => (await store.deliveries.sweep(deliveries)) > 0;
  const stops = [
    repeated(sweepDeliveries, 'old deliveries could not be removed', { clock, log }),
    repeated(() => store.usageDays.tidy(due(clock.now(), config.metering.keepDays)), 'usage of days past could not be summed up', {
      clock,
      log,
    }),
  ];
  return () => stops.forEach((stop) => stop());
}

/** A day of usage is summed up when it has been over for one: nothing of it runs any more. Today is the last of the days that are kept. */
function due(nowMs: number, keepDays: number | null): Parameters<Swept['usageDays']['tidy']>[0] {
  const todayMs = Math.floor(nowMs / DAY_MS) * DAY_MS;
  return { sumBeforeMs: todayMs - DAY_MS, removeBeforeMs: keepDays === null ? null : todayMs - (keepDays - 1) * DAY_MS };
}

/** Does some of a work each minute, and all of it when there is more; returns the way to stop. */
function repeated(work: () => Promise<boolean>, failed: string, { clock, log }: Pick<Deps, 'clock' | 'log'>): () => void {
  let timer: Timer | null = null;
  let stopped = false;
  const again = (ms: number): void => {
    if (!stopped) timer = clock.after(ms, sweep);
  };
  const sweep = (): void => {
    work().then(
      (more) => again(more ? SOON_MS : SWEEP_MS),
      (err: unknown) => {
        log.warn({ err }, failed);
        again(SWEEP_MS);
      },
    );
  };
  again(SWEEP_MS);
  return () => {
    stopped = true;
    timer?.cancel();
  };
}
