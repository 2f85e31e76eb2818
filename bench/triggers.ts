import type { Bench } from './bench.ts';
import { followTable, rowsPerSecond } from './events/database.ts';
import { tickDelays } from './events/schedule.ts';
import { BenchHearth } from './hearth.ts';
import { median, round, summarize } from './stats.ts';

const ROWS = 20_000;
const SCHEDULES = 10;
const ROUNDS = 3;

export const triggers: Bench = {
  name: 'triggers',
  what: 'rows of a table and ticks of schedules to the start of a function, everything durable',
  run: async ({ options, releases, tell }) => {
    const hearth = await BenchHearth.start(releases, await BenchHearth.makeHome(releases));
    const table = await followTable(hearth, releases);
    const count = options.n ?? ROWS;
    const perSecond: number[] = [];
    for (let i = 0; i < (options.rounds ?? ROUNDS); i++) {
      tell(`${count} rows in batches of 100`);
      perSecond.push(await rowsPerSecond(table, count));
    }
    tell(`${SCHEDULES} schedules, each second`);
    const ticks = summarize(await tickDelays(hearth, releases, { schedules: SCHEDULES, seconds: 10 }));
    const sources = [{ source: 'schedule', p50: round(ticks.p50), p99: round(ticks.p99) }];
    return {
      tables: [
        {
          title: 'From when it happened to the start of the function, ms',
          columns: ['source', 'p50', 'p99'],
          rows: sources.map((s) => [s.source, s.p50, s.p99]),
        },
        { title: 'Changes of a table', columns: ['rows a second'], rows: perSecond.map((n) => [round(n, 0)]) },
      ],
      notes: ['ticks count from the second they were due; ten of them are due at once'],
      figures: { rows: sources, rowsPerSecond: round(median(perSecond), 0), rounds: perSecond.map((n) => round(n, 0)) },
    };
  },
};
