import { existsSync } from 'node:fs';
import { chmod, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { InterpreterNotFound } from '../src/runtimes/catalogue.ts';
import type { Bench, BenchContext } from './bench.ts';
import { leftCgroups } from './churn/cgroups.ts';
import { disturb, FUNCTIONS } from './churn/disturb.ts';
import { series } from './cold/series.ts';
import { BenchHearth } from './hearth.ts';
import { descriptors, familyOf, residentMb } from './processes.ts';
import { round } from './stats.ts';

const MINUTES = 5;
const SECONDS = 300;
/** Cold starts that each minute's latency is taken from. */
const PROBES = 30;
/**
 * Of the run's length, before it: what is made once is made then. The connections of the pool in seconds; V8's young generation, its compiled code and glibc's free lists in two
 * minutes, as a note says. What grows after that does not come to rest.
 */
const WARM_UP = 0.4;
const SEED = 20_260_122;
/** For what was ended to be reaped, what is written behind to be written, a server that is idle to collect its garbage, and connections to its database that nobody needs to be closed (after 10 s). */
const REST_MS = 13_000;
const CGROUPS = '/sys/fs/cgroup';

export interface ChurnRow {
  /** A fifth of the run each; 0 is before anything. */
  readonly minute: number;
  /** Cold start of hello-node from its snapshot, ms, nothing else going on. */
  readonly p50: number;
  readonly p99: number;
  /** Of Hearth, when it keeps nothing resident. */
  readonly processes: number;
  /** Of server and supervisor together. */
  readonly descriptors: number;
  /** The server's memory. */
  readonly rssMb: number;
  /** Files and folders in the run directories, and everything in the system's temporary folder. */
  readonly temporaries: number;
  readonly cgroups: number;
  readonly starts: number;
  readonly failures: number;
}

export const churn: Bench = {
  name: 'churn',
  what: 'random starts, stops, crashes and deployments: what they leave behind, and whether starts get slower',
  run: async (context) => {
    const { options, releases, tell } = context;
    const folder = await mkdtemp(join(tmpdir(), 'hearth-churn-'));
    releases.add(() => rm(folder, { recursive: true, force: true }));
    await chmod(folder, 0o755); // a server that is root has tools at work in it that are not
    const hearth = await BenchHearth.start(releases, await BenchHearth.makeHome(releases, CONFIG), { TMPDIR: folder });
    const rows: ChurnRow[] = [];
    const notes: string[] = [];
    const names = await deployed(hearth, notes);
    const randomness = generator(SEED);
    const length = options.seconds ?? SECONDS;
    const { pid } = await hearth.client.status();
    const before = round(await residentMb(pid), 1);
    tell('warming up');
    await disturb(hearth, { names, seconds: length * WARM_UP, random: randomness });
    notes.push(`before the ${round(length * WARM_UP, 1)} s of warming up the server held ${before} MB`);
    for (let minute = 0; minute <= MINUTES; minute++) {
      const seconds = length / MINUTES;
      const done =
        minute === 0 ? { starts: 0, failures: 0, firstFailure: null } : await disturb(hearth, { names, seconds, random: randomness });
      const row = await look(hearth, { names, minute, folder, ...done }, context);
      rows.push(row);
      if (done.firstFailure !== null) notes.push(`minute ${minute}: the first failure: ${done.firstFailure}`);
      tell(`minute ${minute}: p50 ${row.p50} ms, ${row.processes} processes, ${row.descriptors} descriptors, ${row.rssMb} MB`);
    }
    return { tables: [table(rows)], notes: [...notes, ...verdict(rows)], figures: { rows } };
  },
};

/** What comes at once waits; nothing is refused. */
const CONFIG = { limits: { queueMs: 60_000 } };

/** Those that can run here; a note says why another can't. */
async function deployed(hearth: BenchHearth, notes: string[]): Promise<string[]> {
  const names: string[] = [];
  for (const name of FUNCTIONS) {
    try {
      await hearth.deploy('bench/functions/hearth.yaml', name);
      names.push(name);
    } catch (error) {
      if (!(error instanceof InterpreterNotFound)) throw error;
      notes.push(`${name}: left out: ${error.message}`);
    }
  }
  return names;
}

interface Moment {
  readonly names: readonly string[];
  readonly minute: number;
  readonly folder: string;
  readonly starts: number;
  readonly failures: number;
}

/** The latency is taken, while nothing else goes on; then everything is let go of, and counted. */
async function look(
  hearth: BenchHearth,
  { names, minute, folder, starts, failures }: Moment,
  { options }: BenchContext,
): Promise<ChurnRow> {
  const measured = await series({ hearth, name: 'echo', event: {}, rung: 'snapshot', n: options.n ?? PROBES });
  if ('reason' in measured) throw new Error(measured.reason);
  for (const name of names) await hearth.client.evict(name, 'disk');
  const { pid } = await hearth.client.status();
  hearth.client.close(); // its idle connections are not the server's affair
  await sleep(REST_MS);
  const family = await familyOf(pid);
  const ours = [pid, ...(await supervisors(family))];
  return {
    minute,
    p50: measured.p50,
    p99: measured.p99,
    processes: family.length,
    descriptors: (await Promise.all(ours.map(descriptors))).reduce((sum, n) => sum + n, 0),
    rssMb: round(await residentMb(pid), 1),
    temporaries: (await count(folder)) + (await count(`${hearth.home}/run`)) + (await count(`${hearth.home}/sources`)),
    cgroups: await leftCgroups(CGROUPS, family),
    starts,
    failures,
  };
}

/** Hearth's own processes beside the server that hold descriptors for it. */
async function supervisors(family: readonly number[]): Promise<number[]> {
  const named = await Promise.all(
    family.map(async (pid) =>
      (await readFile(`/proc/${pid}/cmdline`, 'latin1').catch(() => '')).includes('supervisor/main') ? [pid] : [],
    ),
  );
  return named.flat();
}

async function count(folder: string): Promise<number> {
  return existsSync(folder) ? (await readdir(folder, { recursive: true })).length : 0;
}

/** mulberry32: the same starts and stops in every run. */
function generator(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}

function verdict(rows: readonly ChurnRow[]): string[] {
  const [first, last] = [rows[0], rows.at(-1)];
  if (first === undefined || last === undefined) return [];
  const more = (['processes', 'descriptors', 'temporaries', 'cgroups'] as const).filter((key) => last[key] > first[key]);
  const left = more.map((key) => `${last[key] - first[key]} ${key}`);
  const change = round((last.p50 / first.p50 - 1) * 100, 1);
  return [
    left.length === 0 ? 'nothing was left behind' : `LEFT BEHIND: ${left.join(', ')}`,
    `start latency at the end: ${change >= 0 ? '+' : ''}${change} % of the beginning's; memory ${round(last.rssMb - first.rssMb, 1)} MB more`,
  ];
}

function table(rows: readonly ChurnRow[]) {
  return {
    title: 'Random starts and stops; counted when nothing is resident',
    columns: ['minute', 'p50 ms', 'p99 ms', 'processes', 'descriptors', 'server MB', 'temporaries', 'cgroups', 'starts', 'failures'],
    rows: rows.map((r) => [r.minute, r.p50, r.p99, r.processes, r.descriptors, r.rssMb, r.temporaries, r.cgroups, r.starts, r.failures]),
  };
}
