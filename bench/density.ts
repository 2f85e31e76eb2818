import { setTimeout as sleep } from 'node:timers/promises';
import type { Bench, BenchContext } from './bench.ts';
import { BenchHearth } from './hearth.ts';
import { deployHeld, fill } from './held.ts';
import { availableMb, meanFootprint, totalMb } from './memory.ts';
import { ensureModel } from './model.ts';
import { cpuPercent, familyOf } from './processes.ts';
import { round } from './stats.ts';

const FUNCTIONS = ['hello-node', 'hello-python', 'detect', 'detect-python'];
const MOST = 5_000;
/** Of the machine's memory, at the end of a row. */
const MOST_USED = 0.6;
/** Started first, to know what one takes. */
const PILOT = 50;
const SAMPLE = 50;
/** Instances that get sparse calls. */
const SPARSE_INSTANCES = 20;
const SPARSE_CALLS = 60;
/** After its call an instance is stopped within 50 ms; this is for the machine to come to rest. */
const REST_MS = 2_000;

export interface DensityRow {
  readonly function: string;
  readonly count: number;
  /** Mean of 50 instances. */
  readonly pssMb: number;
  /** Pages that only that instance has. */
  readonly privateMb: number;
  /** Fall of MemAvailable for each. */
  readonly availableMb: number | null;
  /** Of one core, all instances together. */
  readonly idleCpuPercent: number;
  /** The rest of Hearth: server, database, supervisor, parents. */
  readonly restCpuPercent: number;
  readonly limitedBy: string;
  /** One instance before and after sparse calls. */
  readonly sparse: Sparse | null;
}

interface Sparse {
  readonly instances: number;
  readonly calls: number;
  readonly pssBeforeMb: number;
  readonly pssAfterMb: number;
  readonly privateBeforeMb: number;
  readonly privateAfterMb: number;
}

export const density: Bench = {
  name: 'density',
  what: 'how many idle instances a machine holds, and what each costs',
  run: async (context) => {
    const { options, releases, tell } = context;
    const most = options.count ?? MOST;
    const limits = { queueLength: most, queueMs: 600_000 };
    const hearth = await BenchHearth.start(releases, await BenchHearth.makeHome(releases, { limits }));
    const rows: DensityRow[] = [];
    const notes: string[] = [];
    for (const name of FUNCTIONS.filter((f) => options.only?.includes(f) ?? true)) {
      try {
        if (name.startsWith('detect')) await ensureModel(tell);
        tell(`deploying ${name}`);
        await deployHeld(hearth, releases, name);
        rows.push(await measure(hearth, name, context));
      } catch (error) {
        notes.push(`${name}: skipped: ${(error as Error).message.split('\n').slice(0, 3).join(' ')}`);
      }
      await hearth.client.evict(name, 'disk').catch(() => {});
    }
    return { tables: tables(rows), notes, figures: { rows } };
  },
};

async function measure(hearth: BenchHearth, name: string, { options, tell }: BenchContext): Promise<DensityRow> {
  await hearth.client.invoke({ functionName: name, payload: Buffer.from('{}') }); // there is a snapshot now
  await hearth.client.evict(name, 'snapshot');
  await sleep(REST_MS);
  const most = options.count ?? MOST;
  const { count, why } = await roomFor(hearth, name, most);
  tell(`${name}: ${count} instances (${why})`);
  const before = await availableMb();
  const filled = await fill(hearth, name, count);
  const load = await filled.release();
  await sleep(REST_MS);
  const pids = (await hearth.client.resident(name)).instances.map((i) => i.pid);
  const alive = new Set(pids);
  const rest = (await familyOf((await hearth.client.status()).pid)).filter((pid) => !alive.has(pid));
  const seconds = options.seconds ?? 5;
  const [after, footprint] = [await availableMb(), await meanFootprint(pids, SAMPLE)];
  if (footprint === null) throw new Error(load.firstFailure ?? 'no instance was left to look at');
  const [idleCpuPercent, restCpuPercent] = await Promise.all([cpuPercent(pids, seconds), cpuPercent(rest, seconds)]);
  await hearth.client.evict(name, 'snapshot');
  const sparse = await sparseCalls(hearth, name, options.n ?? SPARSE_CALLS);
  return {
    function: name,
    count: pids.length,
    pssMb: round(footprint.pssMb),
    privateMb: round(footprint.privateMb),
    availableMb: before === null || after === null ? null : round((before - after) / pids.length),
    idleCpuPercent: round(idleCpuPercent, 2),
    restCpuPercent: round(restCpuPercent, 2),
    limitedBy: load.failures === 0 ? why : `${load.failures} calls failed, the first: ${load.firstFailure}`,
    sparse,
  };
}

/** How many are to be started, by what a few of them take of the memory. */
async function roomFor(hearth: BenchHearth, name: string, most: number): Promise<{ count: number; why: string }> {
  const [before, total] = [await availableMb(), await totalMb()];
  if (before === null || total === null) return { count: most, why: 'as many as were asked for' };
  const pilot = await fill(hearth, name, Math.min(PILOT, most));
  const each = (before - ((await availableMb()) ?? before)) / Math.max(1, pilot.pids.length);
  await pilot.release();
  await hearth.client.evict(name, 'snapshot');
  const room = Math.floor((before - (1 - MOST_USED) * total) / Math.max(each, 0.1));
  if (room >= most) return { count: most, why: 'as many as were asked for' };
  return { count: Math.max(room, 1), why: `${MOST_USED * 100} % of memory` };
}

/** A few instances, all of them called at once every now and then. */
async function sparseCalls(hearth: BenchHearth, name: string, calls: number): Promise<Sparse | null> {
  const round1 = async (): Promise<readonly number[]> => {
    const filled = await fill(hearth, name, SPARSE_INSTANCES);
    const { failures } = await filled.release();
    await sleep(PAUSE_MS);
    return failures === 0 ? filled.pids : [];
  };
  const pids = await round1();
  const before = await meanFootprint(pids, SAMPLE);
  for (let i = 0; i < calls; i++) await round1();
  const after = await meanFootprint(pids, SAMPLE);
  if (before === null || after === null) return null;
  return {
    instances: pids.length,
    calls,
    pssBeforeMb: round(before.pssMb),
    pssAfterMb: round(after.pssMb),
    privateBeforeMb: round(before.privateMb),
    privateAfterMb: round(after.privateMb),
  };
}

/** Long enough for an idle instance to be stopped. */
const PAUSE_MS = 150;

function tables(rows: readonly DensityRow[]) {
  const main = {
    title: 'Idle instances, each after one call',
    columns: ['function', 'instances', 'PSS MB', 'private MB', 'MemAvailable MB each', 'CPU % of all', 'CPU % of the rest', 'limited by'],
    rows: rows.map((r) => [
      r.function,
      r.count,
      r.pssMb,
      r.privateMb,
      r.availableMb,
      r.idleCpuPercent,
      r.restCpuPercent,
      r.limitedBy.slice(0, 60),
    ]),
  };
  const sparse = {
    title: 'An instance before and after sparse calls, MB',
    columns: ['function', 'instances', 'calls', 'PSS before', 'after', 'private before', 'after'],
    rows: rows.flatMap((r) => {
      if (r.sparse === null) return [];
      const { instances, calls, pssBeforeMb, pssAfterMb, privateBeforeMb, privateAfterMb } = r.sparse;
      return [[r.function, instances, calls, pssBeforeMb, pssAfterMb, privateBeforeMb, privateAfterMb]];
    }),
  };
  return [main, sparse];
}
