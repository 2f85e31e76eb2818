import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { Step } from '../client/answers.ts';
import { type FakeHearth, fakeHearth, json, lines } from './testing/fake-hearth.ts';
import { folder, hearth } from './testing/run-hearth.ts';
import { drawWaterfall } from './waterfall.ts';

const ID = '6f1c2f0e-2b1d-4f0a-9a55-0f6f1f5a3c11';
const WATERFALL: Step[] = [
  { of: 'invocation', name: 'queue', atMs: 0, ms: 0.2 },
  { of: 'runtime', name: 'spawn', atMs: 0.2, ms: 100 },
  { of: 'snapshot', name: 'import', atMs: 100.2, ms: 50 },
  { of: 'snapshot', name: 'userInit', atMs: 150.2, ms: 25 },
  { of: 'instance', name: 'fork', atMs: 175.2, ms: 4.8 },
  { of: 'invocation', name: 'handler', atMs: 180, ms: 20 },
];
const COLD = {
  requestId: ID,
  attempt: 1,
  attempts: 1,
  functionName: 'hello',
  version: '$LATEST',
  startedAtMs: 1_700_000_000_180,
  queuedMs: 180,
  totalMs: 200,
  outcome: 'ok',
  coldRung: 'disk',
  waterfall: WATERFALL,
  reason: { cause: 'deployed', text: 'the deploy 2.0 s ago replaced it' },
  slowestModules: [{ name: 'sharp', ms: 40.25 }],
  advice: [{ code: 'snapshot', text: 'set snapshot: onDeploy', savesMs: 170 }],
};

describe('hearth explain', () => {
  let server: FakeHearth;
  let env: { HEARTH_ENDPOINT: string };
  before(async () => {
    server = await fakeHearth({
      [`GET /hearth/v1/invocations/${ID}`]: (_, response) => json(response, 200, COLD),
      'GET /hearth/v1/invocations': (seen, response) =>
        json(response, 200, { invocations: seen.query.get('function') === 'hello' ? [COLD] : [] }),
      'GET /hearth/v1/functions': (_, response) => json(response, 200, { functions: [{ name: 'warm' }] }),
      'PUT /hearth/v1/functions/slow': (_, response) =>
        lines(response, [{ error: { errorType: 'InitBudgetExceeded', message: 'the init phase takes 700 ms, the budget is 500 ms' } }]),
    });
    env = { HEARTH_ENDPOINT: server.endpoint };
  });
  after(() => server.close());

  it('draws the waterfall, says why, and what would help', async () => {
    const { code, stdout, stderr } = await hearth(['explain', ID], { env });
    assert.equal(code, 0, stderr);
    assert.match(stdout, /^hello \$LATEST {2}ok in 200 ms {2}2023-11-1[45] \d\d:\d\d:\d\d\.\d{3} {2}6f1c2f0e-/);
    assert.match(stdout, /\ncold, from disk: the deploy 2\.0 s ago replaced it\n/);
    assert.match(stdout, /\n {2}runtime {3}start it +100\.0 ms {2}█+/);
    assert.match(stdout, /\n {2}snapshot {2}import +50\.0 ms {2} +█+/);
    assert.match(stdout, /\n {12}user init +25\.0 ms/, 'whose it is stands at the first of them');
    assert.match(stdout, /\n +40\.3 ms {2}sharp\n/);
    assert.match(stdout, /\nto make it faster\n {2}- set snapshot: onDeploy {2}\(up to 170 ms\)\n$/);
  });

  it('of a function explains its last cold start; --json is the answer as it came', async () => {
    const { stdout } = await hearth(['explain', 'hello', '--json'], { env });
    assert.deepEqual(JSON.parse(stdout), COLD);
    assert.equal(server.seen.at(-1)?.query.get('cold'), '1');
  });

  it('ends with 5 for what nobody knows, and says where to look', async () => {
    const nobody = await hearth(['explain', 'nobody'], { env });
    assert.deepEqual([nobody.code, nobody.stdout], [5, '']);
    assert.match(nobody.stderr, /^error: there is no function nobody\nfix: `hearth ps`/);
    const warm = await hearth(['explain', 'warm'], { env });
    assert.equal(warm.code, 5);
    assert.match(warm.stderr, /^error: no cold start of warm is known\nfix: hearth usage warm/);
    const id = await hearth(['explain', ID.replace('6', '7')], { env });
    assert.equal(id.code, 5);
    assert.match(id.stderr, /\nfix: hearth usage --records/);
  });

  it('a deployment over --init-budget ends with 10, and the budget is sent in milliseconds', async () => {
    await using here = await folder();
    await mkdir(join(here.path, 'slow'));
    await writeFile(join(here.path, 'slow', 'index.js'), '');
    await writeFile(
      join(here.path, 'hearth.yaml'),
      'functions:\n  slow:\n    runtime: nodejs20.x\n    handler: index.handler\n    code: ./slow\n',
    );
    const { code, stderr } = await hearth(['deploy', '--init-budget', '0.5s'], { env, cwd: here.path });
    assert.equal(code, 10, stderr);
    assert.match(stderr, /error: slow: the init phase takes 700 ms, the budget is 500 ms\nfix: /);
    const put = server.seen.findLast((s) => s.method === 'PUT');
    assert.equal((JSON.parse(String(put?.body)) as { initBudgetMs: number }).initBudgetMs, 500);
    assert.equal((await hearth(['deploy', '--init-budget', '0ms'], { env, cwd: here.path })).code, 2);
  });
});

describe('a drawn waterfall', () => {
  it('has its bars where the steps were, to the scale of the whole', () => {
    const rows = drawWaterfall(WATERFALL, 200, 40);
    assert.deepEqual(
      rows.map((r) => [r.bar.length - r.bar.trimStart().length, r.bar.trim().length]),
      [
        [0, 1],
        [0, 20],
        [20, 10],
        [30, 5],
        [35, 1],
        [36, 4],
      ],
    );
  });

  it('of no time at all is still drawn, and never wider than it may be', () => {
    assert.deepEqual(
      drawWaterfall([{ of: 'invocation', name: 'queue', atMs: 0, ms: 0 }], 0, 20).map((r) => [r.ms, r.bar]),
      [['0', '▏']],
    );
    const wide = drawWaterfall([{ of: 'invocation', name: 'handler', atMs: 90, ms: 500 }], 100, 20);
    assert.ok((wide[0]?.bar.length ?? 99) <= 20);
  });
});
