import { startBareServer } from './bare/start.ts';
import type { Bench, BenchContext, Report } from './bench.ts';
import { BenchHearth } from './hearth.ts';
import type { LoadResult, Target } from './load/plan.ts';
import { runLoad } from './load/run.ts';
import { median, round, summarize } from './stats.ts';
import type { Table } from './table.ts';

const CONNECTIONS = 32;
/** Open loop: many more than requests are ever under way, so that none waits for a connection before the server stalls. */
const OPEN_CONNECTIONS = 64;
const WARM_UP_SECONDS = 2;
const EVENT = { message: 'hello', count: 3, nested: { list: [1, 2, 3] } };

interface Round {
  readonly rps: number;
  readonly bareRps: number;
}

export const overhead: Bench = {
  name: 'overhead',
  what: 'what Hearth adds to a warm call, and how many it serves, beside a bare server in the same run',
  run: async ({ options, releases, tell }) => {
    const seconds = options.seconds ?? 5;
    const hearth = await BenchHearth.start(releases, await BenchHearth.makeHome(releases, { auth: { required: options.signed } }));
    await hearth.deploy('bench/functions/hearth.yaml', 'echo');
    const target = hearth.target('echo', EVENT);
    tell('warming up');
    await runLoad({ mode: 'closed', target, connections: CONNECTIONS, seconds: WARM_UP_SECONDS });
    const instances = (await hearth.client.resident('echo')).instances.length;
    const bare = await startBareServer(Math.max(1, instances));
    releases.add(() => bare.stop());
    const bareTarget: Target = { ...target, port: bare.port, path: '/' };
    await runLoad({ mode: 'closed', target: bareTarget, connections: CONNECTIONS, seconds: WARM_UP_SECONDS });

    const { rounds, loads } = await capacity({ tell, target, bareTarget, rounds: options.rounds ?? 5, seconds });
    const rps = median(rounds.map((r) => r.rps));
    const rate = rps / 2;
    tell(`open loop at ${Math.round(rate)} requests/s`);
    const openSeconds = seconds * 4;
    const open = { mode: 'open', connections: OPEN_CONNECTIONS, rate } as const;
    await runLoad({ ...open, target, seconds: WARM_UP_SECONDS });
    const loaded = await runLoad({ ...open, target, seconds: openSeconds });
    const bareLoaded = await runLoad({ ...open, target: bareTarget, seconds: openSeconds });
    const after = (await hearth.client.resident('echo')).instances.length;
    return report({
      signed: options.signed,
      rounds,
      rate,
      loaded,
      bareLoaded,
      instances: { before: instances, after },
      loads: [...loads, loaded, bareLoaded],
    });
  },
};

/** Closed-loop rounds, the two in turn and each first as often, so that neither has the quieter machine. */
async function capacity(of: {
  tell: BenchContext['tell'];
  target: Target;
  bareTarget: Target;
  rounds: number;
  seconds: number;
}): Promise<{ rounds: Round[]; loads: LoadResult[] }> {
  const rounds: Round[] = [];
  const loads: LoadResult[] = [];
  const run = async (target: Target): Promise<number> => {
    const load = await runLoad({ mode: 'closed', target, connections: CONNECTIONS, seconds: of.seconds });
    loads.push(load);
    return load.latencies.length / load.seconds;
  };
  for (let i = 0; i < of.rounds; i++) {
    const first = await run(i % 2 === 0 ? of.target : of.bareTarget);
    const second = await run(i % 2 === 0 ? of.bareTarget : of.target);
    const [rps, bareRps] = i % 2 === 0 ? [first, second] : [second, first];
    rounds.push({ rps: round(rps, 1), bareRps: round(bareRps, 1) });
    of.tell(`round ${i + 1}: ${Math.round(rps)} requests/s, bare ${Math.round(bareRps)}`);
  }
  return { rounds, loads };
}

interface Measured {
  readonly signed: boolean;
  readonly rounds: readonly Round[];
  readonly rate: number;
  readonly loaded: LoadResult;
  readonly bareLoaded: LoadResult;
  readonly instances: { readonly before: number; readonly after: number };
  readonly loads: readonly LoadResult[];
}

function report({ signed, rounds, rate, loaded, bareLoaded, instances, loads }: Measured): Report {
  if (loaded.latencies.length === 0) throw new Error(`no answer came in open loop: ${loaded.firstFailure ?? 'no failure either'}`);
  const [rps, bareRps] = [median(rounds.map((r) => r.rps)), median(rounds.map((r) => r.bareRps))];
  // The handler is one `return`: all of the latency is overhead, the way to the instance and back included.
  const overheadMs = ends(loaded.latencies);
  const lessMeteredMs = loaded.overheads.length === 0 ? null : ends(loaded.overheads);
  const [bareMs, lateMs] = [ends(bareLoaded.latencies), ends(loaded.lateness)];
  const generatorCpu = Math.max(...loads.map((load) => load.generatorCpu));
  const failures = loads.reduce((sum, load) => sum + load.failures, 0);
  const times: Table = {
    title: `Warm call, open loop at ${Math.round(rate)} requests/s (half of capacity), end to end, ms`,
    columns: ['', 'p50', 'p99'],
    rows: [
      ['Hearth', overheadMs.p50, overheadMs.p99],
      ['Hearth, less the duration it meters', lessMeteredMs?.p50 ?? null, lessMeteredMs?.p99 ?? null],
      ['bare', bareMs.p50, bareMs.p99],
      ['in each of them: the generator was late', lateMs.p50, lateMs.p99],
    ],
  };
  const throughput: Table = {
    title: `Capacity, closed loop, ${CONNECTIONS} connections, median of ${rounds.length} rounds`,
    columns: ['', 'requests/s', 'processes'],
    rows: [
      ['Hearth', rps, instances.before],
      ['bare', bareRps, instances.before],
      ['Hearth / bare', round(rps / bareRps), null],
    ],
  };
  const notes = [
    signed ? 'every call is signed (AWS Signature Version 4)' : 'anonymous mode: no call is signed; --signed signs all',
    `the load generator used at most ${Math.round(generatorCpu * 100)} % of a core`,
  ];
  if (failures > 0) notes.push(`${failures} calls failed; the first: ${loads.find((l) => l.firstFailure !== null)?.firstFailure}`);
  if (loaded.coldStarts > 0) notes.push(`${loaded.coldStarts} of the ${loaded.latencies.length} calls waited for a new instance`);
  if (instances.after !== instances.before) notes.push(`instances at the end: ${instances.after}`);
  const figures = {
    signed,
    overheadMs,
    rps,
    bareRps,
    ratio: round(rps / bareRps),
    ratePerSecond: round(rate, 1),
    lessMeteredMs,
    bareMs,
    generatorLateMs: lateMs,
    generatorCpu: round(generatorCpu),
    requests: loaded.latencies.length,
    coldStarts: loaded.coldStarts,
    failures,
    instances: instances.before,
    rounds,
  };
  return { tables: [times, throughput], notes, figures };
}

function ends(sample: Float64Array): { p50: number; p99: number } {
  const { p50, p99 } = summarize(sample);
  return { p50: round(p50), p99: round(p99) };
}
