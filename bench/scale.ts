import type { Bench } from './bench.ts';
import { BenchHearth } from './hearth.ts';
import { runLoad } from './load/run.ts';
import { availableMb, meanPssMb } from './memory.ts';
import { Misunderstood } from './options.ts';
import { round } from './stats.ts';

const SIZES = [100, 1_000];
/** How long the calls are held: for the starts, and then for a look at the memory. */
const START_SECONDS = (instances: number): number => 20 + instances * 0.06;
const LOOK_MS = 3_000;
const PSS_SAMPLE = 50;
const POLL_MS = 250;

export interface ScaleRow {
  readonly instances: number;
  /** From when the calls were let go to when the last of them was in its handler; null when not all were at once. */
  readonly seconds: number | null;
  readonly perSecond: number | null;
  /** Calls that failed, or began only after others had ended. */
  readonly failures: number;
  readonly pssMb: number | null;
  /** Fall of MemAvailable, per instance. */
  readonly availableMb: number | null;
}

/** What the handler of bench/functions/hold says. */
interface Held {
  readonly startedMs: number;
  readonly endedMs: number;
}

export const scale: Bench = {
  name: 'scale',
  what: 'from no instance to many of one function, all busy at once',
  run: async ({ options, releases, tell }) => {
    const sizes = options.only?.map(Number) ?? SIZES;
    if (sizes.length === 0 || sizes.some((size) => !Number.isInteger(size) || size < 1))
      throw new Misunderstood('--only takes counts of instances, such as 100,1000');
    const most = Math.max(...sizes);
    // By default a hundred calls may queue for a second; here as many as are meant to be in flight, for as long as it takes.
    const limits = { queueLength: most, queueMs: 300_000 };
    const hearth = await BenchHearth.start(releases, await BenchHearth.makeHome(releases, { limits }));
    await hearth.deploy('bench/functions/hearth.yaml', 'hold');
    const rows: ScaleRow[] = [];
    const notes: string[] = [];
    for (const instances of sizes) {
      tell(`0 to ${instances} instances`);
      const { row, firstFailure } = await grow(hearth, instances);
      rows.push(row);
      if (firstFailure !== null) notes.push(`${instances} instances: the first failure: ${firstFailure}`);
    }
    const table = {
      title: 'From zero, snapshot resident, to all in flight at once',
      columns: ['instances', 'seconds', 'per second', 'failures', 'PSS MB each', 'MemAvailable MB each'],
      rows: rows.map((r) => [r.instances, r.seconds, r.perSecond, r.failures, r.pssMb, r.availableMb]),
    };
    return { tables: [table], notes, figures: { rows } };
  },
};

async function grow(hearth: BenchHearth, instances: number): Promise<{ row: ScaleRow; firstFailure: string | null }> {
  await hearth.client.invoke({ functionName: 'hold', payload: Buffer.from('{"untilMs":0}') }); // there is a snapshot now
  await hearth.client.evict('hold', 'snapshot');
  const before = await availableMb();
  const holdSeconds = START_SECONDS(instances);
  const untilMs = Date.now() + holdSeconds * 1000;
  const target = hearth.target('hold', { untilMs });
  let startedMs = 0;
  const load = runLoad({ mode: 'burst', target, connections: instances, seconds: holdSeconds + 60 }, (at) => (startedMs = at));
  const memory = look(hearth, { instances, untilMs, before });
  const [result, seen] = await Promise.all([load, memory]);
  const held = result.bodies.map((body) => JSON.parse(body) as Held);
  const firstEndMs = Math.min(...held.map((h) => h.endedMs));
  const late = held.filter((h) => h.startedMs >= firstEndMs).length;
  const all = held.length === instances && late === 0;
  const seconds = all ? (Math.max(...held.map((h) => h.startedMs)) - startedMs) / 1000 : null;
  const row: ScaleRow = {
    instances,
    seconds: seconds === null ? null : round(seconds),
    perSecond: seconds === null ? null : round(instances / seconds, 1),
    failures: result.failures + late,
    pssMb: seen.pssMb === null ? null : round(seen.pssMb),
    availableMb: seen.availableMb === null ? null : round(seen.availableMb),
  };
  return { row, firstFailure: result.firstFailure ?? (late > 0 ? `${late} calls began after the first had ended` : null) };
}

interface Look {
  readonly instances: number;
  readonly untilMs: number;
  readonly before: number | null;
}

/** Memory while all are held: once the server counts as many instances, or shortly before they end if it never does. */
async function look(
  hearth: BenchHearth,
  { instances, untilMs, before }: Look,
): Promise<{ pssMb: number | null; availableMb: number | null }> {
  while (Date.now() < untilMs - LOOK_MS && (await hearth.client.status()).instances < instances)
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  const resident = (await hearth.client.resident('hold')).instances;
  const [after, pss] = [
    await availableMb(),
    await meanPssMb(
      resident.map((i) => i.pid),
      PSS_SAMPLE,
    ),
  ];
  const fall = before === null || after === null || resident.length === 0 ? null : (before - after) / resident.length;
  return { pssMb: pss, availableMb: fall };
}
