import { existsSync } from 'node:fs';
import type { Bench, BenchContext, Report } from './bench.ts';
import { contenders, type Contender } from './keepalive/policies.ts';
import { replay, type Replayed } from './keepalive/replay.ts';
import { chosen } from './options.ts';
import { inRepository } from './paths.ts';
import { readTrace, type Trace } from './keepalive/trace.ts';
import { round } from './stats.ts';

/** 500 functions over eight hours of a day of July 2019; NOTICE says where it is from. */
const TRACE = inRepository('bench/traces/azure2019-500-functions-8h.csv');
/** At a call every three seconds nothing is ever idle: more of them cost time and tell nothing of a policy. */
const MOST_A_MINUTE = 20;
/** Memory for everything resident, GB; null: as much as it takes. */
const CAPS_GB: readonly (number | null)[] = [null, 24];

interface Row extends Omit<Replayed, 'calls'> {
  readonly policy: string;
  readonly capGb: number | null;
}

export const keepalive: Bench = {
  name: 'keepalive',
  what: 'what policies keep resident, replayed from a trace of real calls: cold starts against idle memory',
  run: async (context) => report(traceOf(context), context),
};

function traceOf({ options }: BenchContext): { trace: Trace; path: string } {
  const path = options.trace ?? TRACE;
  if (!existsSync(path)) {
    throw new Error(
      `there is no trace at ${path}. Give one with --trace FILE: CSV with app, fn, trigger, dur_avg_ms, dur_max_ms, mem_avg_mb and ` +
        'minute_counts_from_min0, such as `0:3 5+10:1`; see docs/reference/benchmarks.md',
    );
  }
  return { trace: readTrace(path, options.all ? undefined : MOST_A_MINUTE), path };
}

async function report({ trace, path }: { trace: Trace; path: string }, { options, tell }: BenchContext): Promise<Report> {
  const fromMs = trace.lengthMs / 2;
  const all = contenders(trace);
  const names = chosen(
    'only',
    options.only,
    all.map((c) => c.name),
  );
  const wanted = all.filter((c) => names.includes(c.name));
  const rows: Row[] = [];
  let calls = 0;
  // Without a cap nothing is evicted: those that differ in that alone are the same run.
  const done = new Map<string, Replayed>();
  for (const capGb of CAPS_GB) {
    for (const contender of wanted) {
      const key = capGb === null ? contender.uncapped : `${contender.name} ${capGb}`;
      const began = process.hrtime.bigint();
      const result = done.get(key) ?? (await replayed(trace, contender, { capGb, fromMs }));
      done.set(key, result);
      const { calls: counted, ...figures } = result;
      calls = counted;
      rows.push({ policy: contender.name, capGb, ...rounded(figures) });
      tell(
        `${contender.name}, ${capGb === null ? 'no cap' : `${capGb} GB`}: ${(Number(process.hrtime.bigint() - began) / 1e9).toFixed(1)} s`,
      );
    }
  }
  return {
    tables: [table(rows, trace, calls)],
    notes: notes(rows, { path, trace }),
    figures: { rows, functions: trace.functions.length, calls, countedFromMinute: fromMs / 60_000 },
  };
}

function replayed(trace: Trace, { keepMs, residency }: Contender, of: { capGb: number | null; fromMs: number }): Promise<Replayed> {
  const capBytes = of.capGb === null ? null : of.capGb * 1e9;
  return replay(trace, { keepMs, residency: { ...residency, capBytes }, fromMs: of.fromMs });
}

function rounded(r: Omit<Replayed, 'calls'>): Omit<Replayed, 'calls'> {
  return { ...r, p75ColdShare: round(r.p75ColdShare, 2), coldSeconds: round(r.coldSeconds, 1), idleGbSeconds: round(r.idleGbSeconds, 0) };
}

function table(rows: readonly Row[], trace: Trace, calls: number) {
  return {
    title: `${trace.functions.length} functions, ${calls.toLocaleString('en-US')} calls in the second half of ${trace.lengthMs / 3_600_000} h`,
    columns: ['policy', 'cap GB', 'P75 cold %', 'cold starts', 'cold s', 'idle GB s', 'restores', 'failures'],
    rows: rows.map((r) => [r.policy, r.capGb, r.p75ColdShare, r.coldStarts, r.coldSeconds, r.idleGbSeconds, r.restores, r.failures]),
  };
}

function notes(rows: readonly Row[], { path, trace }: { path: string; trace: Trace }): string[] {
  const of = (policy: string): Row | undefined => rows.find((r) => r.policy === policy && r.capGb === null);
  const [base, ours] = [of('fixed-10m'), of('histogram+greedy-dual')];
  const all = [
    `the trace: ${path}; the first half is for learning and not counted`,
    `${trace.leftOut.toLocaleString('en-US')} calls beyond ${MOST_A_MINUTE} a minute of one function are left out (--all replays them): no policy could miss them`,
  ];
  if (base === undefined || ours === undefined) return all;
  const share = (a: number, b: number): string => (b === 0 ? '-' : `${Math.round((100 * a) / b)} %`);
  return [
    ...all,
    `histogram+greedy-dual against fixed-10m: ${share(ours.p75ColdShare, base.p75ColdShare)} of its P75 cold share, ` +
      `${share(ours.idleGbSeconds, base.idleGbSeconds)} of its idle memory, ${share(ours.coldSeconds, base.coldSeconds)} of its cold seconds`,
  ];
}
