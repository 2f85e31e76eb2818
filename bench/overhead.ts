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
/** V8 goes on compiling for good for the first 150,000 calls, a second of both processors together. */
const WARM_UP_SECONDS = 10;
/**
 * What the generator, a new process for each round, needs to compile itself: for its first 0.4 s it and V8's threads take a core and more from the server, which by itself
 * made 1 to 10 % of Hearth's calls in a round slow, and up to 1.5 % of the bare ones.
 */
const LEAD_IN_SECONDS = 1;
const EVENT = { message: 'hello', count: 3, nested: { list: [1, 2, 3] } };

interface Round {
  readonly rps: number;
  readonly bareRps: number;
}

/** Open loops, the two in turn. */
interface Loaded {
  readonly hearth: readonly LoadResult[];
  readonly bare: readonly LoadResult[];
}

export const overhead: Bench = {
  name: 'overhead',
  what: 'what Hearth adds to a warm call, and how many it serves, beside a bare server in the same run',
  run: async ({ options, releases, tell }) => {
    const seconds = options.seconds ?? 5;
    const hearth = await BenchHearth.start(releases, await BenchHearth.makeHome(releases, { auth: { required: options.signed } }));
    await hearth.deploy('bench/functions/hearth.yaml', 'echo');
    // Made anew for each load: a signature holds for a quarter of an hour, which long rounds take more than.
    const target = (): Target => hearth.target('echo', EVENT);
    tell('warming up');
    await warmUp(target());
    const instances = (await hearth.client.resident('echo')).instances.length;
    const bare = await startBareServer(Math.max(1, instances));
    releases.add(() => bare.stop());
    const bareTarget = (): Target => ({ ...target(), port: bare.port, path: '/' });
    await warmUp(bareTarget());

    const both = { tell, target, bareTarget, rounds: options.rounds ?? 5, seconds };
    const { rounds, loads } = await capacity(both);
    const rate = median(rounds.map((r) => r.rps)) / 2;
    for (const which of [target, bareTarget])
      await runLoad({ mode: 'open', connections: OPEN_CONNECTIONS, rate, target: which(), seconds: WARM_UP_SECONDS });
    const loaded = await halfLoad(both, rate);
    const after = (await hearth.client.resident('echo')).instances.length;
    return report({
      signed: options.signed,
      rounds,
      rate,
      loaded,
      instances: { before: instances, after },
      loads: [...loads, ...loaded.hearth, ...loaded.bare],
    });
  },
};

/** Rejects with the first failure when nothing was answered: there would be no rate to go on with. */
async function warmUp(target: Target): Promise<void> {
  const { latencies, firstFailure } = await runLoad({ mode: 'closed', target, connections: CONNECTIONS, seconds: WARM_UP_SECONDS });
  if (latencies.length === 0) throw new Error(`no call was answered: ${firstFailure}`);
}

interface Both {
  readonly tell: BenchContext['tell'];
  readonly target: () => Target;
  readonly bareTarget: () => Target;
  readonly rounds: number;
  readonly seconds: number;
}

/** Closed-loop rounds, the two in turn and each first as often, so that neither has the quieter machine. */
async function capacity(of: Both): Promise<{ rounds: Round[]; loads: LoadResult[] }> {
  const rounds: Round[] = [];
  const loads: LoadResult[] = [];
  const run = async (target: () => Target): Promise<number> => {
    const load = await runLoad({ mode: 'closed', target: target(), connections: CONNECTIONS, seconds: of.seconds });
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

/** Open-loop rounds in the same way. */
async function halfLoad(of: Both, rate: number): Promise<Loaded> {
  const loaded: { hearth: LoadResult[]; bare: LoadResult[] } = { hearth: [], bare: [] };
  const run = async (which: 'hearth' | 'bare'): Promise<void> => {
    const target = which === 'hearth' ? of.target : of.bareTarget;
    const load = await runLoad({
      mode: 'open',
      connections: OPEN_CONNECTIONS,
      rate,
      target: target(),
      leadInSeconds: LEAD_IN_SECONDS,
      seconds: of.seconds,
    });
    if (load.latencies.length === 0) throw new Error(`no answer came in open loop: ${load.firstFailure ?? 'no failure either'}`);
    loaded[which].push(load);
    const { p50, p99 } = ends(load.latencies);
    of.tell(`open loop at ${Math.round(rate)} requests/s, ${which}: p50 ${p50}, p99 ${p99} ms`);
  };
  for (let i = 0; i < of.rounds; i++) {
    await run(i % 2 === 0 ? 'hearth' : 'bare');
    await run(i % 2 === 0 ? 'bare' : 'hearth');
  }
  return loaded;
}

interface Measured {
  readonly signed: boolean;
  readonly rounds: readonly Round[];
  readonly rate: number;
  readonly loaded: Loaded;
  readonly instances: { readonly before: number; readonly after: number };
  readonly loads: readonly LoadResult[];
}

function report({ signed, rounds, rate, loaded, instances, loads }: Measured): Report {
  const [rps, bareRps] = [median(rounds.map((r) => r.rps)), median(rounds.map((r) => r.bareRps))];
  // The handler is one `return`: all of the latency is overhead, the way to the instance and back included.
  const overheadMs = ofRounds(loaded.hearth, 'latencies');
  const lessMeteredMs = loaded.hearth.some((load) => load.overheads.length === 0) ? null : ofRounds(loaded.hearth, 'overheads');
  const bareMs = ofRounds(loaded.bare, 'latencies');
  const lateMs = ofRounds(loaded.hearth, 'lateness');
  const generatorCpu = Math.max(...loads.map((load) => load.generatorCpu));
  const failures = sum(loads.map((load) => load.failures));
  const coldStarts = sum(loaded.hearth.map((load) => load.coldStarts));
  const requests = sum(loaded.hearth.map((load) => load.latencies.length));
  const row = (what: string, ms: RoundEnds | null) => [what, ms?.p50 ?? null, ms?.p99 ?? null, ms?.worstP99 ?? null];
  const times: Table = {
    title: `Warm call, open loop at ${Math.round(rate)} requests/s (half of capacity), end to end, ms, medians of ${rounds.length} rounds`,
    columns: ['', 'p50', 'p99', 'p99 of the worst round'],
    rows: [
      row('Hearth', overheadMs),
      row('Hearth, less the duration it meters', lessMeteredMs),
      row('bare', bareMs),
      row('in each of them: the generator was late', lateMs),
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
  if (coldStarts > 0) notes.push(`${coldStarts} of the ${requests} calls waited for a new instance`);
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
    requests,
    coldStarts,
    failures,
    instances: instances.before,
    rounds,
  };
  return { tables: [times, throughput], notes, figures };
}

interface Ends {
  readonly p50: number;
  readonly p99: number;
}

interface RoundEnds extends Ends {
  readonly worstP99: number;
}

/** Medians of what each round came to, and the worst p99: a stall of the machine is in one round, one of the server's own is in most. */
function ofRounds(loads: readonly LoadResult[], what: 'latencies' | 'overheads' | 'lateness'): RoundEnds {
  const each = loads.map((load) => ends(load[what]));
  const p99s = each.map((e) => e.p99);
  return { p50: round(median(each.map((e) => e.p50))), p99: round(median(p99s)), worstP99: Math.max(...p99s) };
}

function ends(sample: Float64Array): Ends {
  const { p50, p99 } = summarize(sample);
  return { p50: round(p50), p99: round(p99) };
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
