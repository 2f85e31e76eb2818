import type { BenchHearth } from '../hearth.ts';
import type { Releases } from '../releases.ts';
import { Collector } from './collector.ts';

/** From when ticks of many schedules were due to when the function began, in milliseconds, for some seconds. They are due all at once, each second. */
export async function tickDelays(
  hearth: BenchHearth,
  releases: Releases,
  { schedules, seconds }: { schedules: number; seconds: number },
): Promise<number[]> {
  const collector = await Collector.open(releases);
  const start = new Date(Date.now() + 2_000).toISOString().slice(0, 19);
  await hearth.deploy('bench/functions/hearth.yaml', 'arrivals', {
    environment: { COLLECTOR: collector.url },
    triggers: Array.from({ length: schedules }, (_, i) => ({ schedule: { name: `s${i}`, everySeconds: 1, start: `${start}Z` } })),
  });
  await collector.have(schedules * seconds);
  await hearth.deploy('bench/functions/hearth.yaml', 'arrivals', { environment: { COLLECTOR: collector.url }, triggers: [] });
  return collector.delays().slice(schedules); // not the first second, which starts the instances
}
