import { setTimeout as sleep } from 'node:timers/promises';
import type { Bench, BenchContext } from './bench.ts';
import { BenchHearth } from './hearth.ts';
import { deployHeld, fill, REST_MS } from './held.ts';
import { availableMb, meanFootprint, totalMb } from './memory.ts';
import type { LoadResult } from './load/plan.ts';
import { ensureModel } from './model.ts';
import { chosen } from './options.ts';
import { cpuPercent, familyOf } from './processes.ts';
import { round } from './stats.ts';

const FUNCTIONS = ['hello-node', 'hello-python', 'detect', 'detect-python'];
const MOST = 5_000;
/** Of the machine's memory, at the end of a row. */
const MOST_USED = 0.6;
/** Started first, to know what one takes. */
const PILOT = 50;
const SAMPLE = 50;
/** Most that are at work at once where all would not fit, and the share of those that would: idle ones need room, too. */
const MOST_AT_WORK = 100;
const AT_WORK_SHARE = 0.3;
/** Instances that get sparse calls. */
const SPARSE_INSTANCES = 20;
const SPARSE_CALLS = 60;

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
    const names = chosen('only', options.only, FUNCTIONS);
    const most = options.count ?? MOST;
    const limits = { queueLength: most, queueMs: 600_000 };
    const hearth = await BenchHearth.start(releases, await BenchHearth.makeHome(releases, { limits }));
    const rows: DensityRow[] = [];
    const notes: string[] = [];
    for (const name of names) {
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
  const room = await roomFor(hearth, name, most);
  if (room < 1) throw new Error(`${MOST_USED * 100} % of the memory is in use already, as much as it would fill`);
  const before = await availableMb();
  const { load, why } =
    room >= most
      ? await allAtOnce(hearth, name, most)
      : await inWaves(hearth, name, { most, wave: Math.ceil(Math.min(MOST_AT_WORK, room * AT_WORK_SHARE)), tell });
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

/** How many can be at work at once in what there is of memory, by what a few of them take. */
async function roomFor(hearth: BenchHearth, name: string, most: number): Promise<number> {
  const [before, total] = [await availableMb(), await totalMb()];
  if (before === null || total === null) return most;
  const pilot = await fill(hearth, name, Math.min(PILOT, most));
  const each = (before - ((await availableMb()) ?? before)) / Math.max(1, pilot.pids.length);
  await pilot.release();
  await hearth.client.evict(name, 'snapshot');
  return Math.floor((before - (1 - MOST_USED) * total) / Math.max(each, 0.1));
}

interface Alive {
  readonly load: Pick<LoadResult, 'failures' | 'firstFailure'>;
  readonly why: string;
}

async function allAtOnce(hearth: BenchHearth, name: string, most: number): Promise<Alive> {
  const filled = await fill(hearth, name, most);
  return { load: await filled.release(), why: 'as many as were asked for, all at work at once' };
}

/** What is at work takes several times the memory of what is idle: some at a time, while those that had their turn are held with a call that does nothing, so that the next have instances of their own. */
async function inWaves(
  hearth: BenchHearth,
  name: string,
  { most, wave: size, tell }: { most: number; wave: number; tell: (text: string) => void },
): Promise<Alive> {
  for (let count = 0; ;) {
    const held = count === 0 ? null : await fill(hearth, name, count, { event: {} });
    const wave = await fill(hearth, name, Math.min(size, most - count), { beside: count });
    // One after the other: two that let go at once would signal an instance that has been let go.
    const loads = [await wave.release()];
    if (held !== null) loads.push(await held.release());
    await sleep(REST_MS);
    const failed = loads.find((l) => l.failures > 0);
    if (failed !== undefined) return { load: failed, why: '' };
    count = (await hearth.client.status()).instances;
    const used = 1 - ((await availableMb()) ?? 0) / ((await totalMb()) ?? 1);
    tell(`${name}: ${count} instances, ${Math.round(used * 100)} % of memory used`);
    const load = { failures: 0, firstFailure: null };
    if (used >= MOST_USED) return { load, why: `${MOST_USED * 100} % of memory` };
    if (count >= most) return { load, why: `as many as were asked for, ${size} at work at once` };
  }
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
  const atRest = async () => {
    await sleep(REST_MS);
    return meanFootprint(pids, SAMPLE);
  };
  const before = await atRest();
  for (let i = 0; i < calls; i++) await round1();
  const after = await atRest();
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
