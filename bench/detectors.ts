import { setTimeout as sleep } from 'node:timers/promises';
import { DEFAULTS } from '../src/config/defaults.ts';
import type { Bench, BenchContext } from './bench.ts';
import { series } from './cold/series.ts';
import { bundleDetector, type DetectorBundle } from './detectors/bundle.ts';
import { type Contender, processes, server, threads } from './detectors/contenders.ts';
import { BenchHearth } from './hearth.ts';
import { deployHeld, fill, realEvent, REST_MS } from './held.ts';
import { sumPssMb } from './memory.ts';
import { ensureModel } from './model.ts';
import { chosen } from './options.ts';
import { median, round } from './stats.ts';

const INSTANCES = 50;
const STARTS = 5;
/** Of the always-on machine in the price table. */
const MACHINE_MB = 4 * 1024 * 1.048576;
const HOURS = 24;

export interface DetectorRow {
  readonly contender: string;
  /** From nothing of an instance to its first detection, ms; median. */
  readonly coldMs: number;
  readonly coldIs: string;
  readonly instances: number;
  /** PSS of all of them and of what they are made from, at rest. */
  readonly memoryMb: number;
  readonly eachMb: number;
  /** What idling costs at the price table: nothing where only runs are billed, else the machines that must stay on. */
  readonly idlePerDay: number;
}

interface Other {
  readonly name: string;
  readonly contender: Contender;
  readonly coldIs: string;
  /** Whether one instance is all there ever is. */
  readonly single: boolean;
}

const OTHERS: readonly Other[] = [
  { name: 'processes', contender: processes, coldIs: 'a process starts, loads packages and model', single: false },
  {
    name: 'worker_threads',
    contender: threads,
    coldIs: 'a thread starts in a process that is there, loads packages and model',
    single: false,
  },
  { name: 'always-on server', contender: server, coldIs: 'the server starts, with the model in it', single: true },
];

export const detectors: Bench = {
  name: 'detectors',
  what: 'the same detector as Hearth runs it, as processes, as threads and as one always-on server',
  run: async (context) => {
    const { options, releases, tell } = context;
    const names = chosen('only', options.only, ['hearth', ...OTHERS.map(({ name }) => name)]);
    await ensureModel(tell);
    const bundle = await bundleDetector(releases, tell);
    const rows: DetectorRow[] = [];
    if (names.includes('hearth')) rows.push(...(await hearthRows(context)));
    for (const other of OTHERS.filter(({ name }) => names.includes(name))) {
      tell(other.name);
      rows.push(await otherRow(other, bundle, context));
    }
    const notes = ['idle cost a day: Hearth bills runs; what is always on is billed as machines of 4 GiB that hold the memory it has here'];
    return { tables: [table(rows)], notes: [...notes, ...rows.map((r) => `${r.contender}: cold: ${r.coldIs}`)], figures: { rows } };
  },
};

async function hearthRows({ options, releases, tell }: BenchContext): Promise<DetectorRow[]> {
  const name = 'detect';
  const count = options.count ?? INSTANCES;
  const hearth = await BenchHearth.start(
    releases,
    await BenchHearth.makeHome(releases, { limits: { queueLength: 1_000, queueMs: 600_000 } }),
  );
  tell('hearth');
  await deployHeld(hearth, releases, name);
  const event = { event: realEvent(name) };
  const rows: DetectorRow[] = [];
  for (const rung of ['snapshot', 'disk'] as const) {
    const started = await series({ hearth, name, event, rung, n: options.n ?? STARTS });
    if ('reason' in started) throw new Error(started.reason);
    if (started.inferenceMs === null) throw new Error('nothing was detected: no answer tells of an inference');
    const filled = await fill(hearth, name, count);
    await filled.release();
    await sleep(REST_MS);
    const { instances, snapshots, zygotes } = await hearth.client.resident(name);
    const memoryMb = await sumPssMb([...instances, ...snapshots, ...zygotes].map((p) => p.pid));
    const coldIs = rung === 'snapshot' ? 'no instance, its snapshot is resident' : 'nothing of the function or its runtime is resident';
    const sizes = { instances: instances.length, memoryMb: round(memoryMb, 1), eachMb: round(memoryMb / instances.length) };
    rows.push({ contender: `hearth, from ${rung}`, coldMs: started.p50, coldIs, ...sizes, idlePerDay: 0 });
    await hearth.client.evict(name, 'disk');
  }
  await hearth.stop();
  return rows;
}

async function otherRow(
  { name, contender, coldIs, single }: Other,
  bundle: DetectorBundle,
  { options }: BenchContext,
): Promise<DetectorRow> {
  const standing = await contender(bundle, single ? (options.n ?? STARTS) : (options.count ?? INSTANCES));
  const instances = single ? 1 : standing.firstMs.length;
  await sleep(REST_MS);
  const memoryMb = await sumPssMb(standing.pids);
  await standing.stop();
  const machines = Math.ceil(memoryMb / MACHINE_MB);
  return {
    contender: name,
    coldMs: round(median(standing.firstMs)),
    coldIs,
    instances,
    memoryMb: round(memoryMb, 1),
    eachMb: round(memoryMb / instances),
    idlePerDay: round(machines * HOURS * Number(DEFAULTS.metering.alwaysOnPerHour), 4),
  };
}

function table(rows: readonly DetectorRow[]) {
  return {
    title: `A detector: first detection from nothing (ms), memory of all instances at rest (PSS), idle cost (${DEFAULTS.metering.currency})`,
    columns: ['contender', 'cold ms', 'instances', 'MB', 'MB each', 'idle a day'],
    rows: rows.map((r) => [r.contender, r.coldMs, r.instances, r.memoryMb, r.eachMb, r.idlePerDay]),
  };
}
