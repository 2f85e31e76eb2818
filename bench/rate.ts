import { cpus } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Lag } from '../src/client/answers.ts';
import type { Bench } from './bench.ts';
import { burn } from './burner/start.ts';
import { BenchHearth } from './hearth.ts';
import type { LoadResult, Target } from './load/plan.ts';
import { runLoad } from './load/run.ts';
import type { Releases } from './releases.ts';
import { round, summarize } from './stats.ts';

const AT_ONCE = 1_000;
const PER_SECOND = 200;
const SECONDS = 5;
/** What is served meanwhile: enough to see a hundredth, little enough to leave the machine its starts. */
const SERVING = { mode: 'open', connections: 64, rate: 100, leadInSeconds: 2 } as const;
const QUIET_SECONDS = 5;
/** Every start stays busy until all are there, it is hoped. */
const HOLD_MS = (starts: number): number => 10_000 + starts * 50;
/**
 * Before the storm: the generator’s own compilation, which is not counted, and what serves is watched already. The storm's own generator comes up and opens its
 * thousand connections before that: half a second of both processors, which no client of another machine would take.
 */
const LEAD_MS = SERVING.leadInSeconds * 1_000 + 500;
const WATCHED_BEFORE = 0.5;
/** Starts before the first storm: what a server compiles at its first few hundred starts is compiled by then, as in any that has been up for an hour. */
const WARM_UP_STARTS = 400;
/** What the storm's generator is given to come up and connect, before that. */
const CONNECT_MS = 2_000;

export interface RateRow {
  readonly storm: string;
  /** Instances that were started, and how fast. */
  readonly starts: number;
  readonly seconds: number | null;
  readonly perSecond: number | null;
  readonly failures: number;
  /** How late the server's event loop was, ms. */
  readonly lagP50: number;
  readonly lagP99: number;
  readonly lagMax: number;
  /** Calls of a function that was being served: p99 with nothing else going on, and while the others started; ms. */
  readonly quietP99: number;
  readonly stormP50: number;
  readonly stormP99: number;
  readonly ratio: number;
  /** Share of the processors that was in use during the storm. */
  readonly cpuShare: number;
  /** The same calls while nothing starts, but processes that have nothing to do with Hearth use that share: what the machine makes of any such work. */
  readonly busyP99: number;
}

interface Storm {
  readonly name: string;
  readonly starts: number;
  readonly seconds: number;
  blow(target: Target, notBeforeMs: number): Promise<LoadResult>;
}

export const rate: Bench = {
  name: 'rate',
  what: 'a storm of starts: the lag of the server’s event loop, and what those feel who are being served',
  run: async ({ options, releases, tell }) => {
    const seconds = options.seconds ?? SECONDS;
    const atOnce = options.count ?? AT_ONCE;
    const limits = { queueLength: 10_000, queueMs: 600_000 };
    const hearth = await BenchHearth.start(releases, await BenchHearth.makeHome(releases, { limits }));
    for (const name of ['echo', 'hold']) await hearth.deploy('bench/functions/hearth.yaml', name);
    const rows: RateRow[] = [];
    const notes: string[] = [];
    tell('warming up');
    await runLoad({
      mode: 'burst',
      connections: WARM_UP_STARTS,
      seconds: 60,
      target: hearth.target('hold', { untilMs: Date.now() + 6_000 }),
    });
    for (const storm of storms(seconds, atOnce)) {
      tell(storm.name);
      const { row, firstFailure } = await weather(hearth, storm, releases);
      rows.push(row);
      if (firstFailure !== null) notes.push(`${storm.name}: the first failure: ${firstFailure}`);
    }
    return { tables: [table(rows)], notes, figures: { rows } };
  },
};

function storms(seconds: number, atOnce: number): Storm[] {
  const starts = PER_SECOND * seconds;
  const steady = { mode: 'open', connections: starts, rate: PER_SECOND, seconds, keepBodies: true, drainMs: HOLD_MS(starts) * 2 } as const;
  const burst = { mode: 'burst', connections: atOnce, seconds: HOLD_MS(atOnce) / 500 } as const;
  return [
    { name: `${PER_SECOND} a second`, starts, seconds, blow: (target, notBeforeMs) => runLoad({ ...steady, target, notBeforeMs }) },
    {
      name: `${atOnce} at once`,
      starts: atOnce,
      seconds: Math.max(2, Math.round(atOnce / PER_SECOND)),
      blow: (target, notBeforeMs) => runLoad({ ...burst, target, notBeforeMs }),
    },
  ];
}

async function weather(hearth: BenchHearth, storm: Storm, releases: Releases): Promise<{ row: RateRow; firstFailure: string | null }> {
  await calm(hearth);
  const target = hearth.target('echo', {});
  const quiet = await runLoad({ ...SERVING, target, seconds: QUIET_SECONDS });
  const watched = storm.seconds + WATCHED_BEFORE;
  const notBeforeMs = Date.now() + CONNECT_MS + LEAD_MS;
  const untilMs = notBeforeMs + storm.seconds * 1000 + HOLD_MS(storm.starts);
  const blows = storm.blow(hearth.target('hold', { untilMs }), notBeforeMs);
  blows.catch(() => {}); // whoever awaits it below is told; until then it must not end the process
  await sleep(CONNECT_MS);
  const [served, lag, blown, cpuShare] = await Promise.all([
    runLoad({ ...SERVING, target, seconds: watched }),
    sleep(SERVING.leadInSeconds * 1_000).then(() => hearth.client.lag(Math.ceil(watched))),
    blows,
    sleep(LEAD_MS).then(() => shareOfCpus(storm.seconds * 1_000)),
  ]);
  await calm(hearth);
  const burners = await burn(cpuShare, releases);
  const busy = await runLoad({ ...SERVING, target, seconds: QUIET_SECONDS });
  await burners.stop();
  return { row: rowOf(storm, { quiet, served, lag, blown, cpuShare, busy }), firstFailure: blown.firstFailure ?? served.firstFailure };
}

/** Nothing is left of what was started, and there is a snapshot to start from. */
async function calm(hearth: BenchHearth): Promise<void> {
  await hearth.client.invoke({ functionName: 'hold', payload: Buffer.from('{"untilMs":0}') });
  await hearth.client.evict('hold', 'snapshot');
}

/** How much of all processors is in use from now on, for so long. */
async function shareOfCpus(ms: number): Promise<number> {
  const before = cpuTimes();
  await sleep(ms);
  const after = cpuTimes();
  return 1 - (after.idle - before.idle) / (after.all - before.all);
}

function cpuTimes(): { idle: number; all: number } {
  const times = cpus().map((cpu) => cpu.times);
  return {
    idle: times.reduce((sum, { idle }) => sum + idle, 0),
    all: times.reduce((sum, { user, nice, sys, irq, idle }) => sum + user + nice + sys + irq + idle, 0),
  };
}

interface Seen {
  readonly quiet: LoadResult;
  readonly served: LoadResult;
  readonly lag: Lag;
  readonly blown: LoadResult;
  readonly cpuShare: number;
  readonly busy: LoadResult;
}

function rowOf(storm: Storm, { quiet, served, lag, blown, cpuShare, busy }: Seen): RateRow {
  const startedMs = blown.bodies.map((body) => (JSON.parse(body) as { startedMs: number }).startedMs);
  const seconds = startedMs.length < 2 ? null : (Math.max(...startedMs) - Math.min(...startedMs)) / 1000;
  const [quietMs, stormMs] = [summarize(quiet.latencies), summarize(served.latencies)];
  return {
    storm: storm.name,
    starts: startedMs.length,
    seconds: seconds === null ? null : round(seconds),
    perSecond: seconds === null ? null : round(startedMs.length / seconds, 1),
    failures: blown.failures + served.failures,
    lagP50: lag.p50Ms,
    lagP99: lag.p99Ms,
    lagMax: lag.maxMs,
    quietP99: round(quietMs.p99),
    stormP50: round(stormMs.p50),
    stormP99: round(stormMs.p99),
    ratio: round(stormMs.p99 / quietMs.p99, 2),
    cpuShare: round(cpuShare, 2),
    busyP99: round(summarize(busy.latencies).p99),
  };
}

function table(rows: readonly RateRow[]) {
  return {
    title: 'Starts of one function, while another one is served 100 calls a second; ms',
    columns: [
      'starts',
      'started',
      'seconds',
      'per second',
      'failures',
      'lag p50',
      'lag p99',
      'lag max',
      'quiet p99',
      'storm p50',
      'storm p99',
      'times',
      'CPU',
      'p99 as busy',
    ],
    rows: rows.map((r) => [
      r.storm,
      r.starts,
      r.seconds,
      r.perSecond,
      r.failures,
      r.lagP50,
      r.lagP99,
      r.lagMax,
      r.quietP99,
      r.stormP50,
      r.stormP99,
      r.ratio,
      r.cpuShare,
      r.busyP99,
    ]),
  };
}
