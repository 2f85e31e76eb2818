import { readFileSync } from 'node:fs';

/** One function of a trace. */
export interface TracedFunction {
  readonly name: string;
  readonly app: string;
  /** One run of the handler, milliseconds. */
  readonly durationMs: number;
  /** Its init phase, milliseconds. */
  readonly initMs: number;
  readonly memoryMb: number;
  /** When it is called, milliseconds from the start of the trace, ascending. */
  readonly arrivalsMs: Float64Array;
}

export interface Trace {
  readonly functions: readonly TracedFunction[];
  readonly lengthMs: number;
  /** Calls that were left out: those beyond the most a minute. */
  readonly leftOut: number;
}

const MINUTE_MS = 60_000;
const COLUMNS = ['app', 'fn', 'trigger', 'dur_avg_ms', 'dur_max_ms', 'mem_avg_mb'] as const;
const COUNTS = /^minute_counts_from_min\d+$/;
/** A trace tells no init times: what the longest run took more than the mean is taken for one (as FaasCache does), within these. */
const INIT_MS = { least: 250, most: 10_000 };

/**
 * Reads a trace of calls per minute: CSV with the columns app, fn, trigger, dur_avg_ms, dur_max_ms, mem_avg_mb and
 * minute_counts_from_minN, which holds `m:c` (minute m had c calls) or `m+L:c` (each of L minutes from m). Throws an Error that names the line.
 */
export function readTrace(path: string, mostAMinute = Number.POSITIVE_INFINITY): Trace {
  return parseTrace(readFileSync(path, 'utf8'), mostAMinute);
}

/** `mostAMinute`: calls of a function in one minute beyond this are left out. */
export function parseTrace(text: string, mostAMinute = Number.POSITIVE_INFINITY): Trace {
  const [head = '', ...lines] = text.split(/\r?\n/).filter((line) => line !== '');
  const names = head.split(',');
  const countsAt = names.findIndex((name) => COUNTS.test(name));
  const missing = [...COLUMNS.filter((name) => !names.includes(name)), ...(countsAt < 0 ? ['minute_counts_from_minN'] : [])];
  if (missing.length > 0) throw new Error(`this is no trace of calls per minute: it has no column ${missing.join(', ')}`);
  const parsed = lines.map((line, i) => {
    const cells = line.split(',');
    const cell = (name: (typeof COLUMNS)[number]): string => cells[names.indexOf(name)] ?? '';
    const number = (name: (typeof COLUMNS)[number]): number => {
      const value = Number(cell(name));
      if (cell(name) !== '' && Number.isFinite(value) && value >= 0) return value;
      throw new Error(`line ${i + 2}: ${name} is '${cell(name)}', which is no number`);
    };
    const duration = number('dur_avg_ms');
    return {
      // A function may stand in more than one app, and under more than one trigger.
      name: `${cell('fn')}-${i}`,
      app: cell('app'),
      durationMs: Math.max(1, duration),
      initMs: Math.min(Math.max(number('dur_max_ms') - duration, INIT_MS.least), INIT_MS.most),
      memoryMb: Math.max(1, number('mem_avg_mb')),
      counts: countsOf(cells[countsAt] ?? '', i + 2),
      periodic: cell('trigger') === 'timer',
    };
  });
  const all = parsed.flatMap((f) => f.counts);
  const minutes = all.reduce((most, [minute]) => Math.max(most, minute + 1), 0);
  return {
    functions: parsed.map(({ counts, periodic, ...f }, i) => ({
      ...f,
      arrivalsMs: arrivals(thinned(counts, mostAMinute), { periodic, random: randomFrom(i + 1) }),
    })),
    lengthMs: minutes * MINUTE_MS,
    leftOut: all.reduce((sum, [, count]) => sum + Math.max(0, count - mostAMinute), 0),
  };
}

function thinned(counts: readonly [number, number][], most: number): [number, number][] {
  return counts.map(([minute, count]) => [minute, Math.min(count, most)]);
}

function countsOf(text: string, line: number): [minute: number, count: number][] {
  return text.split(' ').flatMap((part) => {
    const match = /^(\d+)(?:\+(\d+))?:(\d+)$/.exec(part);
    if (match === null) throw new Error(`line ${line}: '${part}' is not MINUTE:COUNT or MINUTE+LENGTH:COUNT`);
    const [, from = '', length = '1', count = ''] = match;
    return Array.from({ length: Number(length) }, (_, k): [number, number] => [Number(from) + k, Number(count)]);
  });
}

/**
 * Where in their minute the calls lie, which a trace does not tell: those of a timer at even distances from one second that is the
 * function's own, all others anywhere. The same in every run.
 */
function arrivals(counts: readonly (readonly [number, number])[], how: { periodic: boolean; random: () => number }): Float64Array {
  const times = new Float64Array(counts.reduce((sum, [, count]) => sum + count, 0));
  const phase = how.random();
  let at = 0;
  for (const [minute, count] of counts) {
    for (let k = 0; k < count; k++) times[at++] = (minute + (how.periodic ? (k + phase) / count : how.random())) * MINUTE_MS;
  }
  return times.sort();
}

/** Numbers in [0, 1) that are the same for the same seed (mulberry32). */
function randomFrom(seed: number): () => number {
  let state = Math.imul(seed, 0x9e3779b1);
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}
