import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Bench, BenchContext } from './bench.ts';
import type { Contender, Running } from './contenders/contender.ts';
import { functionsFramework } from './contenders/functions-framework.ts';
import { hearth } from './contenders/hearth.ts';
import { lambdaLocal } from './contenders/lambda-local.ts';
import { miniflare } from './contenders/miniflare.ts';
import { installPeers } from './contenders/package.ts';
import { serverlessOffline } from './contenders/serverless-offline.ts';
import { runLoad } from './load/run.ts';
import { chosen } from './options.ts';
import { joined, median, round, summarize } from './stats.ts';

const CONTENDERS: readonly Contender[] = [hearth, serverlessOffline, functionsFramework, lambdaLocal, miniflare];
const BUSY_CONNECTIONS = 32;

interface Warm {
  /** Of each round. */
  readonly latencies: Float64Array[];
  readonly rps: number[];
  readonly busy: Float64Array[];
  failures: number;
  firstFailure: string | null;
}

interface Entrant {
  readonly contender: Contender;
  readonly running: Running;
  readonly coldMs: number;
  readonly startMs: number;
  readonly coldFromSnapshotMs: number | null;
  readonly warm: Warm;
}

export const peers: Bench = {
  name: 'peers',
  what: 'the same echo on other runners of functions, same load, same run',
  run: async (context) => {
    const { options, tell } = context;
    const notes: string[] = [];
    const names = chosen(
      'only',
      options.only,
      CONTENDERS.map(({ name }) => name),
    );
    const wanted = CONTENDERS.filter(({ name }) => names.includes(name));
    const missing = wanted.some((c) => c !== hearth) ? await installPeers(tell) : null;
    const entrants: Entrant[] = [];
    for (const contender of wanted) {
      const entrant = missing !== null && contender !== hearth ? new Error(missing) : await enter(contender, context);
      if (entrant instanceof Error) notes.push(`${contender.name}: skipped: ${entrant.message}`);
      else entrants.push(entrant);
    }
    await warmRounds(entrants, context);
    const rows = entrants.map(toRow);
    notes.unshift(...rows.map((r) => `${r.peer} ${r.version}. Cold: ${r.coldIs}. Lacks: ${r.lacks}`));
    notes.push(...rows.flatMap((r) => (r.failures === 0 ? [] : [`${r.peer}: ${r.failures} calls failed; the first: ${r.firstFailure}`])));
    return { tables: [figuresTable(rows)], notes, figures: { rows } };
  },
};

/** Starts a contender `n` times, each from nothing, and leaves the last one running. */
async function enter(contender: Contender, { options, releases, tell }: BenchContext): Promise<Entrant | Error> {
  const startMs: number[] = [];
  const firstCallMs: number[] = [];
  const fromSnapshotMs: number[] = [];
  let running: Running | null = null;
  try {
    for (let i = 0; i < (options.n ?? 5); i++) {
      await running?.stop();
      const folder = await mkdtemp(join(tmpdir(), 'hearth-peer-'));
      releases.add(() => rm(folder, { recursive: true, force: true }));
      running = await contender.start({ releases, folder });
      startMs.push(running.startMs);
      firstCallMs.push(running.firstCallMs);
      const again = await running.coldAgain?.('snapshot');
      if (again !== undefined) fromSnapshotMs.push(again);
    }
  } catch (error) {
    await running?.stop();
    return error as Error;
  }
  const coldMs = median(contender.cold === 'process' ? startMs : firstCallMs);
  tell(`${contender.name} ${contender.version}: cold start ${Math.round(coldMs)} ms`);
  return {
    contender,
    running: running as Running,
    coldMs,
    startMs: median(startMs),
    coldFromSnapshotMs: fromSnapshotMs.length === 0 ? null : median(fromSnapshotMs),
    warm: { latencies: [], rps: [], busy: [], failures: 0, firstFailure: null },
  };
}

/** Everyone's turn in every round, and a round before that counts for nobody. */
async function warmRounds(entrants: readonly Entrant[], { options, tell }: BenchContext): Promise<void> {
  const seconds = options.seconds ?? 3;
  for (let i = 0; i <= (options.rounds ?? 3); i++) {
    for (const { running, warm } of entrants) {
      const alone = await runLoad({ mode: 'closed', target: running.target, connections: 1, seconds });
      const busy = await runLoad({ mode: 'closed', target: running.target, connections: BUSY_CONNECTIONS, seconds });
      if (i === 0) continue;
      warm.latencies.push(alone.latencies);
      warm.busy.push(busy.latencies);
      warm.rps.push(busy.latencies.length / busy.seconds);
      warm.failures += alone.failures + busy.failures;
      warm.firstFailure ??= alone.firstFailure ?? busy.firstFailure;
    }
    tell(i === 0 ? 'warmed up' : `round ${i} done`);
  }
}

function toRow({ contender, coldMs, startMs, coldFromSnapshotMs, warm }: Entrant) {
  const [alone, busy] = [warm.latencies, warm.busy].map((rounds) => {
    const all = joined(rounds);
    return all.length === 0 ? null : summarize(all);
  });
  return {
    peer: contender.name,
    version: contender.version,
    coldMs: round(coldMs),
    coldFromSnapshotMs: coldFromSnapshotMs === null ? null : round(coldFromSnapshotMs),
    startMs: round(startMs),
    p50: alone ? round(alone.p50) : null,
    p99: alone ? round(alone.p99) : null,
    rps: warm.rps.length === 0 ? null : round(median(warm.rps), 1),
    busyP50: busy ? round(busy.p50) : null,
    busyP99: busy ? round(busy.p99) : null,
    failures: warm.failures,
    firstFailure: warm.firstFailure,
    coldIs: contender.coldIs,
    lacks: contender.lacks,
  };
}

type Row = ReturnType<typeof toRow>;

function figuresTable(rows: readonly Row[]) {
  return {
    title: `The same echo: cold start, one caller (p50, p99), ${BUSY_CONNECTIONS} callers (requests/s, p50, p99); times in ms`,
    columns: ['peer', 'process start', 'cold', 'from snapshot', 'p50', 'p99', 'rps', 'busy p50', 'busy p99'],
    rows: rows.map((r) => [r.peer, r.startMs, r.coldMs, r.coldFromSnapshotMs, r.p50, r.p99, r.rps, r.busyP50, r.busyP99]),
  };
}
