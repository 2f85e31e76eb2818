import type { Bench, BenchContext } from './bench.ts';
import { burn } from './burner/start.ts';
import { type Case, eventOf, wantedCases } from './cold/cases.ts';
import { type Rung, series, type Timings } from './cold/series.ts';
import { BenchHearth } from './hearth.ts';
import { deployHeld, fill, type Filled } from './held.ts';
import { ensureModel } from './model.ts';
import type { Table } from './table.ts';

export type ColdRow = Omit<Case, 'group'> & Timings;

export const cold: Bench = {
  name: 'cold',
  what: 'what a client waits for the first answer, by what was resident, what it holds and what else goes on',
  run: async (context) => {
    const { options, releases } = context;
    const cases = wantedCases(options);
    const hearth = await BenchHearth.start(releases, await BenchHearth.makeHome(releases, limits(options.count ?? 0)));
    const rows: ColdRow[] = [];
    const notes: string[] = [];
    let present: Present | null = null;
    for (const one of cases) {
      const wanted = deploymentOf(one);
      if (present?.key !== wanted.key) {
        if (present !== null) await hearth.client.evict(present.name, 'disk').catch(() => {}); // what the next one starts beside is the same for all
        present = { ...wanted, missing: await deployOrReason(hearth, one, context) };
        if (present.missing !== null) notes.push(`${titleOf(one)}: skipped: ${present.missing}`);
      }
      if (present.missing !== null) continue;
      const measured = await inCircumstances(hearth, one, context);
      if ('reason' in measured) notes.push(`${titleOf(one)}: skipped: ${measured.reason}`);
      else rows.push(rowOf(one, measured));
      context.tell(`${titleOf(one)}: ${'reason' in measured ? measured.reason : `p50 ${measured.p50}, p99 ${measured.p99} ms`}`);
    }
    return { tables: [table(rows), ...comparison(rows)], notes: [...notes, ...leftOut(rows)], figures: { rows } };
  },
};

/** What is deployed at the moment. */
interface Present {
  readonly key: string;
  readonly name: string;
  readonly missing: string | null;
}

/** By default a hundred calls of a function may wait for a second; a thousand children come at once. */
const limits = (children: number) => ({ limits: { queueLength: Math.max(1_000, children), queueMs: 600_000 } });

function deploymentOf(one: Case): { key: string; name: string } {
  const { function: name, stateMb, stateKind, children } = one;
  if (stateKind !== 'none') return { key: `${name} ${stateMb} ${stateKind}`, name: stateFunction(name) };
  return { key: `${name} ${children > 0 ? 'held' : ''}`, name };
}

const stateFunction = (name: string): string => name.replace('hello', 'state');

async function deployOrReason(hearth: BenchHearth, one: Case, { releases, tell }: BenchContext): Promise<string | null> {
  const { function: name, stateKind, stateMb, children } = one;
  try {
    if (name.startsWith('detect')) await ensureModel(tell);
    tell(`deploying ${titleOf(one)}`);
    const environment = { STATE_MB: String(stateMb), STATE_KIND: stateKind };
    if (stateKind !== 'none') await hearth.deploy('bench/functions/hearth.yaml', stateFunction(name), { environment });
    else if (children > 0) await deployHeld(hearth, releases, name);
    else await hearth.deploy('examples/hearth.yaml', name);
    return null;
  } catch (error) {
    return (error as Error).message.split('\n').slice(0, 3).join(' ');
  }
}

async function inCircumstances(hearth: BenchHearth, one: Case, { options, releases }: BenchContext): Promise<Timings | { reason: string }> {
  const { name } = deploymentOf(one);
  const measure = async () => {
    const measured = await series({ hearth, name, event: eventOf(one), rung: one.rung, n: options.n ?? 200 });
    const isEmpty = one.event === 'picture' && 'inferenceMs' in measured && measured.inferenceMs === null;
    return isEmpty ? { reason: 'nothing was detected: no answer tells of an inference' } : measured;
  };
  if (one.load > 0) {
    const burning = await burn(one.load, releases);
    try {
      return await measure();
    } finally {
      await burning.stop();
    }
  }
  if (one.children === 0) return measure();
  const filled: Filled = await fill(hearth, name, one.children);
  try {
    if (filled.pids.length < one.children) return { reason: `there were only ${filled.pids.length} children` };
    return await measure();
  } finally {
    await filled.release();
  }
}

function rowOf({ function: name, rung, stateMb, stateKind, children, load, event }: Case, measured: Timings): ColdRow {
  return { function: name, rung, stateMb, stateKind, children, load, event, ...measured };
}

function titleOf({ function: name, rung, stateMb, stateKind, children, load, event }: Case): string {
  const circumstances = [
    ...(stateMb > 0 ? [`${stateMb} MB ${stateKind}`] : []),
    ...(children > 0 ? [`${children} children`] : []),
    ...(load > 0 ? [`${load * 100} % load`] : []),
    ...(event === 'picture' ? ['a picture'] : []),
  ];
  return `${name} from ${rung}${circumstances.length === 0 ? '' : ` with ${circumstances.join(', ')}`}`;
}

function table(rows: readonly ColdRow[]): Table {
  return {
    title: 'Cold start: client-seen latency of the first call, ms (parts: medians)',
    columns: [
      'function',
      'rung',
      'state MB',
      'kind',
      'children',
      'load',
      'event',
      'n',
      'p50',
      'p90',
      'p99',
      'waited',
      'init',
      'handler',
      'inference',
    ],
    rows: rows.map((r) => [
      r.function,
      r.rung,
      r.stateMb,
      r.stateKind,
      r.children,
      r.load,
      r.event,
      r.n,
      r.p50,
      r.p90,
      r.p99,
      r.waitedMs,
      r.initMs,
      r.handlerMs,
      r.inferenceMs,
    ]),
  };
}

/** How many times faster each function starts from a snapshot. */
function comparison(rows: readonly ColdRow[]): Table[] {
  const plain = rows.filter((r) => r.stateMb + r.children + r.load === 0 && r.event === 'empty');
  const p50 = (name: string, rung: Rung) => plain.find((r) => r.function === name && r.rung === rung)?.p50;
  const compared = [...new Set(plain.map((r) => r.function))].flatMap((name) => {
    const [disk, snapshot] = [p50(name, 'disk'), p50(name, 'snapshot')];
    return disk === undefined || snapshot === undefined ? [] : [[name, disk / snapshot]];
  });
  if (compared.length === 0) return [];
  return [{ title: 'From disk / from a snapshot, p50', columns: ['function', 'times'], rows: compared }];
}

function leftOut(rows: readonly ColdRow[]): string[] {
  return rows.flatMap((r) => [
    ...(r.strays === 0 ? [] : [`${r.function} from ${r.rung}: ${r.strays} starts began on another rung, and are left out`]),
    ...(r.failures === 0 ? [] : [`${r.function} from ${r.rung}: ${r.failures} calls FAILED, and are left out`]),
  ]);
}
