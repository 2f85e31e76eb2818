import type { Timer } from '../lib/clock.ts';
import type { DatabaseStore } from '../store/postgres-store.ts';
import type { Base } from './base.ts';

const SWEEP_MS = 60_000;

interface Swept {
  readonly deliveries: Pick<DatabaseStore['deliveries'], 'sweep'>;
}

/** Removes finished deliveries that are too old or too many, a batch at a time; returns the way to stop. */
export function keepBounded({ config, clock, log }: Pick<Base, 'config' | 'clock' | 'log'>, store: Swept): () => void {
  const keep = { ms: config.events.keepMs, count: config.events.keepCount };
  let timer: Timer | null = null;
  let stopped = false;
  const sweep = (): void => {
    store.deliveries.sweep(keep).then(
      // There may be more: soon, yet not so that nothing else gets at the database.
      (removed) => again(removed === 0 ? SWEEP_MS : 100),
      (err: unknown) => {
        log.warn({ err }, 'old deliveries could not be removed');
        again(SWEEP_MS);
      },
    );
  };
  const again = (ms: number): void => {
    if (!stopped) timer = clock.after(ms, sweep);
  };
  again(SWEEP_MS);
  return () => {
    stopped = true;
    timer?.cancel();
  };
}
