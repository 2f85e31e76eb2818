import { existsSync, readFileSync } from 'node:fs';
import { LAMBDA } from '../src/control/lambda/model/model.ts';
import { fuzzCases } from '../test/lambda-fuzz.ts';
import type { Bench, BenchContext, Report } from './bench.ts';
import { API_SCENARIOS } from './conformance/api-scenarios.ts';
import { localised } from './conformance/compare.ts';
import { fuzzed, unansweredOperations } from './conformance/fuzzing.ts';
import { INVOKE_SCENARIOS } from './conformance/invoke-scenarios.ts';
import { MAPPING_SCENARIOS } from './conformance/mapping-scenarios.ts';
import { nameScenario } from './conformance/names.ts';
import { POLICY_SCENARIOS } from './conformance/policy-scenarios.ts';
import { NoCounterpart, Replay, type ReplayServer, type Scenario } from './conformance/replay.ts';
import { reasonFor } from './conformance/reasons.ts';
import { BenchHearth } from './hearth.ts';
import { inRepository } from './paths.ts';

const RECORDINGS = inRepository('../shared/aws/aws-recordings.json');
const ACCOUNT = '000000000000';

interface Outcome {
  readonly group: string;
  readonly name: string;
  /** Null: it matches. */
  readonly why: string | null;
}

/** How much of what AWS was recorded to answer Hearth answers alike, how many operations it answers, and whether anything makes it fail. */
export const conformance: Bench = {
  name: 'conformance',
  what: "Lambda's API beside recordings of AWS, over all operations, and under made-up requests",
  async run(context) {
    const home = await BenchHearth.makeHome(context.releases);
    const hearth = await BenchHearth.start(context.releases, home);
    const endpoint = `http://127.0.0.1:${hearth.port}`;
    const server = await serverOf(endpoint, hearth);
    const outcomes = await replayAll(server, context);
    const unanswered = await unansweredOperations(endpoint);
    const fuzz = await fuzzed(endpoint, fuzzCases({ seed: 7, each: context.options.n ?? 40, functionName: 'fuzzed' }));
    return report(outcomes, unanswered, fuzz);
  },
};

async function serverOf(endpoint: string, hearth: BenchHearth): Promise<ReplayServer> {
  const { runtimes } = await hearth.client.status();
  const python = runtimes.find((r) => r.language === 'python')?.name ?? null;
  return { endpoint, accountId: ACCOUNT, python, node: `nodejs${process.versions.node.split('.')[0]}.x` };
}

async function replayAll(server: ReplayServer, { tell, options }: BenchContext): Promise<Outcome[]> {
  if (!existsSync(RECORDINGS)) {
    tell(`no recordings at ${RECORDINGS}: none is replayed`);
    return [];
  }
  const recordings = JSON.parse(readFileSync(RECORDINGS, 'utf8')) as Record<string, { content: Record<string, unknown> }>;
  const outcomes: Outcome[] = [];
  for (const [key, { content }] of Object.entries(recordings)) {
    const [group = '', ...rest] = key.split('::');
    const name = rest.join('::');
    if (options.only !== null && !options.only.some((part) => key.includes(part))) continue;
    const why = await replayOne(server, name, content);
    outcomes.push({ group, name, why });
    if (why !== null) tell(`${key}: ${why}`);
  }
  return outcomes;
}

async function replayOne(server: ReplayServer, name: string, content: Record<string, unknown>): Promise<string | null> {
  const scenario = scenarioOf(name);
  if (scenario === null)
    return reasonFor(name) ?? (Object.keys(content).length === 0 ? 'nothing was recorded to compare with' : 'not replayed');
  const replay = new Replay(server, localised(content, server.accountId) as Record<string, unknown>);
  try {
    await scenario(replay);
  } catch (error) {
    return error instanceof NoCounterpart ? error.message : `failed: ${(error as Error).message}`;
  } finally {
    await replay.clean();
  }
  const unchecked = replay.unchecked().map((what) => `${what} was not compared`);
  const differences = [...replay.differences, ...unchecked];
  if (differences.length === 0) return null;
  return reasonFor(name) ?? differences.slice(0, 3).join('; ');
}

function scenarioOf(name: string): Scenario | null {
  return API_SCENARIOS[name] ?? POLICY_SCENARIOS[name] ?? INVOKE_SCENARIOS[name] ?? MAPPING_SCENARIOS[name] ?? nameScenario(name);
}

function report(
  outcomes: readonly Outcome[],
  unanswered: readonly string[],
  fuzz: { cases: number; violations: readonly string[] },
): Report {
  const groups = [...new Set(outcomes.map((o) => o.group))];
  const matched = (of: readonly Outcome[]): number => of.filter((o) => o.why === null).length;
  const rows = groups.map((group) => {
    const of = outcomes.filter((o) => o.group === group);
    return [group, matched(of), of.length];
  });
  const total = Object.keys(LAMBDA.operations).length;
  const operations = total - unanswered.length;
  const missed = outcomes.filter((o) => o.why !== null);
  return {
    tables: [
      { title: 'recordings of AWS', columns: ['group', 'matched', 'total'], rows: [...rows, ['all', matched(outcomes), outcomes.length]] },
      { title: 'operations of the model', columns: ['answered', 'total'], rows: [[operations, total]] },
      { title: 'made-up requests', columns: ['cases', 'violations'], rows: [[fuzz.cases, fuzz.violations.length]] },
    ],
    notes: [...missed.map((o) => `${o.group}::${o.name}: ${o.why}`), ...unanswered, ...fuzz.violations.slice(0, 20)],
    figures: {
      recordings: { matched: matched(outcomes), total: outcomes.length },
      groups: Object.fromEntries(rows.map(([group, m, t]) => [group, { matched: m, total: t }])),
      operations: { answered: operations, total },
      fuzz: { cases: fuzz.cases, violations: fuzz.violations.length },
      missed: missed.map((o) => ({ recording: `${o.group}::${o.name}`, why: o.why })),
    },
  };
}
