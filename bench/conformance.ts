import { existsSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { readLocalKey } from '../src/auth/local-key.ts';
import { LAMBDA } from '../src/control/lambda/model/model.ts';
import { zipOf } from '../src/control/testing/plane.ts';
import { fuzzCases } from '../test/lambda-fuzz.ts';
import { serviceRequests } from '../test/service-fuzz.ts';
import type { Bench, BenchContext, Report } from './bench.ts';
import { API_SCENARIOS } from './conformance/api-scenarios.ts';
import { BUCKET_SCENARIOS } from './conformance/bucket-scenarios.ts';
import { clientsOf } from './conformance/clients.ts';
import { localised } from './conformance/compare.ts';
import { DESTINATION_SCENARIOS } from './conformance/destination-scenarios.ts';
import { fuzzed, fuzzedServices, unansweredOperations } from './conformance/fuzzing.ts';
import { INVOKE_SCENARIOS } from './conformance/invoke-scenarios.ts';
import { MAPPING_SCENARIOS } from './conformance/mapping-scenarios.ts';
import { nameScenario } from './conformance/names.ts';
import { POLICY_SCENARIOS } from './conformance/policy-scenarios.ts';
import { QUEUE_SCENARIOS } from './conformance/queue-scenarios.ts';
import { NoCounterpart, Replay, type ReplayServer, type Scenario } from './conformance/replay.ts';
import { reasonFor } from './conformance/reasons.ts';
import { URL_SCENARIOS } from './conformance/url-scenarios.ts';
import { BenchHearth } from './hearth.ts';
import { inRepository } from './paths.ts';

/** Where the recordings lie, when they do: they are too large for the repository. */
const RECORDINGS = resolve(inRepository('../shared/aws/aws-recordings.json'));
const MISSING = `there are no recordings at ${RECORDINGS}: none was replayed`;
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
    const home = await BenchHearth.makeHome(context.releases, { auth: { required: true } });
    const hearth = await BenchHearth.start(context.releases, home);
    const endpoint = `http://127.0.0.1:${hearth.port}`;
    const server = await serverOf(endpoint, hearth);
    context.releases.add(() => server.clients.close());
    const outcomes = await replayAll(server, context);
    const unanswered = await unansweredOperations(server);
    const each = context.options.n ?? 40;
    const lambda = await fuzzed(server, fuzzCases({ seed: 7, each, functionName: 'fuzzed' }));
    const key = readLocalKey(hearth.home);
    if (key === null) throw new Error('the server has no key of its own');
    const services = await fuzzedServices(endpoint, key, serviceRequests({ seed: 7, count: each * 50 }));
    const fuzz = { cases: lambda.cases + services.cases, violations: [...lambda.violations, ...services.violations] };
    return report(outcomes, unanswered, fuzz);
  },
};

async function serverOf(endpoint: string, hearth: BenchHearth): Promise<ReplayServer> {
  const { runtimes } = await hearth.client.status();
  const python = runtimes.find((r) => r.language === 'python')?.name ?? null;
  return {
    endpoint,
    home: hearth.home,
    accountId: ACCOUNT,
    python,
    node: `nodejs${process.versions.node.split('.')[0]}.x`,
    clients: clientsOf(endpoint, hearth.home),
    async deploy(name, manifest, files) {
      const { source } = await hearth.client.uploadSource(await zipOf(files));
      await hearth.client.deploy(name, { source, manifest });
    },
  };
}

interface Recording {
  readonly key: string;
  readonly group: string;
  readonly name: string;
  readonly content: Record<string, unknown>;
}

/** Scenarios that wait for what comes later (a retry, a message that is visible again) are replayed beside one another; Lambda's API answers at once. */
const MOST_AT_ONCE = 8;

async function replayAll(server: ReplayServer, { tell, options }: BenchContext): Promise<Outcome[]> {
  if (!existsSync(RECORDINGS)) {
    tell(MISSING);
    return [];
  }
  const wanted = recordings().filter(({ key }) => options.only?.some((part) => key.includes(part)) !== false);
  const whys = new Map<string, string | null>();
  const replay = async (one: Recording): Promise<void> => {
    const why = await replayOne(server, one.name, one.content);
    whys.set(one.key, why);
    if (why !== null) tell(`${one.key}: ${why}`);
  };
  for (const one of wanted.filter(({ name }) => !(name in WAITING))) await replay(one);
  // The longest first.
  const waiting = wanted.filter(({ name }) => name in WAITING).sort((a, b) => rank(a) - rank(b));
  await Promise.all(
    Array.from({ length: MOST_AT_ONCE }, async () => {
      for (let one = waiting.shift(); one !== undefined; one = waiting.shift()) await replay(one);
    }),
  );
  return wanted.map(({ key, group, name }) => ({ group, name, why: whys.get(key) ?? null }));
}

function rank({ name }: Recording): number {
  return name in DESTINATION_SCENARIOS ? 0 : 1;
}

function recordings(): Recording[] {
  const all = JSON.parse(readFileSync(RECORDINGS, 'utf8')) as Record<string, { content: Record<string, unknown> }>;
  return Object.entries(all).map(([key, { content }]) => {
    const [group = '', ...rest] = key.split('::');
    return { key, group, name: rest.join('::'), content };
  });
}

async function replayOne(server: ReplayServer, name: string, content: Record<string, unknown>): Promise<string | null> {
  const scenario = scenarioOf(name);
  if (scenario === null)
    return reasonFor(name, []) ?? (Object.keys(content).length === 0 ? 'nothing was recorded to compare with' : 'not replayed');
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
  return reasonFor(name, differences) ?? differences.slice(0, 3).join('; ');
}

const WAITING: Readonly<Record<string, Scenario>> = { ...DESTINATION_SCENARIOS, ...QUEUE_SCENARIOS, ...BUCKET_SCENARIOS };
const AT_ONCE: Readonly<Record<string, Scenario>> = {
  ...API_SCENARIOS,
  ...POLICY_SCENARIOS,
  ...INVOKE_SCENARIOS,
  ...URL_SCENARIOS,
  ...MAPPING_SCENARIOS,
};

function scenarioOf(name: string): Scenario | null {
  return WAITING[name] ?? AT_ONCE[name] ?? nameScenario(name);
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
    notes: [
      ...(existsSync(RECORDINGS) ? [] : [MISSING]),
      ...missed.map((o) => `${o.group}::${o.name}: ${o.why}`),
      ...unanswered,
      ...fuzz.violations.slice(0, 20),
    ],
    figures: {
      recordings: { matched: matched(outcomes), total: outcomes.length },
      groups: Object.fromEntries(rows.map(([group, m, t]) => [group, { matched: m, total: t }])),
      operations: { answered: operations, total },
      fuzz: { cases: fuzz.cases, violations: fuzz.violations.length },
      missed: missed.map((o) => ({ recording: `${o.group}::${o.name}`, why: o.why })),
    },
  };
}
