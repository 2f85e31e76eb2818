import assert from 'node:assert/strict';
import { access, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { type FakeHearth, fakeHearth, json, lines } from './testing/fake-hearth.ts';
import { folder, hearth, said, start } from './testing/run-hearth.ts';

const LINE = { timeMs: 1_700_000_000_000, function: 'hello', stream: 'stdout', requestId: 'r', text: 'one' };
const TOTAL = {
  invocations: 3,
  errors: 1,
  coldStarts: 1,
  billedMs: 1_234,
  gbSeconds: '0.15425',
  bytesIn: 10,
  bytesOut: 20,
  cost: '0.0000031708',
};

const EVENT = {
  eventId: 'e-1',
  function: 'hello',
  functionId: 'f',
  destination: null,
  source: 'objects',
  subject: '',
  state: 'succeeded',
  reason: null,
  attempts: 1,
  acceptedAtMs: 1_700_000_000_000,
};

describe('hearth', () => {
  let server: FakeHearth;
  let env: { HEARTH_ENDPOINT: string };
  before(async () => {
    server = await fakeHearth({
      'DELETE /hearth/v1/functions/hello': (_, response) => void response.writeHead(204).end(),
      'POST /hearth/v1/functions/hello/evict': (_, response) => json(response, 200, { instances: 2, snapshots: 1, zygotes: 0 }),
      'GET /hearth/v1/functions': (_, response) => json(response, 200, { functions: [] }),
      'GET /hearth/v1/instances': (_, response) => json(response, 200, { instances: [], snapshots: [], plain: [], zygotes: [] }),
      'GET /hearth/v1/logs': (seen, response) => {
        if (!seen.query.has('follow')) return lines(response, [LINE, { ...LINE, text: 'two' }]);
        response.writeHead(200, { 'content-type': 'application/x-ndjson' }).write(`${JSON.stringify(LINE)}\n`);
      },
      'GET /hearth/v1/usage': (seen, response) => {
        const alwaysOn = { hours: 24, costPerHour: '0.0416', cost: '0.9984' };
        json(response, 200, {
          from: Number(seen.query.get('from')),
          to: 0,
          functions: [{ functionName: 'hello', ...TOTAL }],
          total: TOTAL,
          alwaysOn,
          currency: 'USD',
        });
      },
      'GET /hearth/v1/usage/records': (_, response) => json(response, 200, { records: [] }),
    });
    env = { HEARTH_ENDPOINT: server.endpoint };
  });
  after(() => server.close());

  it('rm refuses without --yes where nobody can be asked', async () => {
    const before = server.seen.length;
    const { code, stdout, stderr } = await hearth(['rm', 'hello'], { env });
    assert.deepEqual([code, stdout, server.seen.length], [2, '', before]);
    assert.match(stderr, /^error: removing hello needs a yes[^\n]*\nfix: hearth rm hello --yes\n$/);
  });

  it('rm --yes removes; of a function that is not there it ends with 5', async () => {
    assert.deepEqual(await hearth(['rm', 'hello', '--yes', '--json'], { env }), { code: 0, stdout: '{"removed":"hello"}\n', stderr: '' });
    assert.equal((await hearth(['rm', 'nobody', '--yes'], { env })).code, 5);
  });

  it('events show and redrive of one that is not there end with 5 and name the list of events, keys revoke that of keys', async () => {
    const { code, stderr } = await hearth(['events', 'show', 'nope'], { env });
    const redriven = await hearth(['events', 'redrive', 'nope'], { env });
    assert.equal(redriven.code, code);
    assert.match(redriven.stderr, /\nfix: `hearth events` lists them with their ids\n$/);
    const revoked = await hearth(['keys', 'revoke', 'nope'], { env });
    assert.deepEqual([revoked.code, revoked.stderr], [5, 'error: there is no key nope\nfix: `hearth keys` lists those that were made\n']);
    const when = await hearth(['events', '--since', 'yesterday'], { env });
    assert.match(when.stderr, /Give a span back such as 90s, 24h or 7d, or a date such as 2026-11-18 or 2026-11-18T06:00:00Z\./);
    assert.equal(code, 5);
    assert.match(stderr, /^error: [^\n]*\nfix: `hearth events` lists them with their ids\n$/);
  });

  it('an empty name or id, such as a variable that has no value, is asked of nobody', async () => {
    const before = server.seen.length;
    for (const [args, path] of [
      [['explain', ''], 'hearth explain'],
      [['events', 'show', ''], 'hearth events show'],
      [['rm', '', '--yes'], 'hearth rm'],
    ] as const) {
      const { code, stderr } = await hearth(args, { env });
      assert.deepEqual([code, stderr.split('\n')[0]], [2, `error: an argument of \`${path}\` is empty`]);
    }
    assert.equal(server.seen.length, before);
  });

  it('logs prints lines for people, and NDJSON for programs', async () => {
    const text = await hearth(['logs', 'hello', '--tail', '5'], { env });
    assert.match(text.stdout, /^\S+ \d\d:\d\d:\d\d\.000 one\n\S+ \d\d:\d\d:\d\d\.000 two\n$/);
    assert.equal(server.seen.at(-1)?.query.get('tail'), '5');
    const { stdout } = await hearth(['logs', '--json', '--since', '10m'], { env });
    assert.deepEqual(
      stdout
        .trim()
        .split('\n')
        .map((l) => JSON.parse(l).text),
      ['one', 'two'],
    );
    assert.ok(Number(server.seen.at(-1)?.query.get('since')) > 0);
    assert.equal(server.seen.at(-1)?.query.has('tail'), false);
  });

  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    it(`logs -f goes on until ${signal}, and that is no error`, async () => {
      await using child = start(['logs', 'hello', '-f', '--json'], { env });
      await said(child, 'stdout', '"one"');
      child.kill(signal);
      const { code, stdout, stderr } = await child.ended;
      assert.deepEqual([code, stderr], [0, '']);
      assert.deepEqual(JSON.parse(stdout), LINE);
    });
  }

  it('logs -f ends with 3 when the server goes', async () => {
    const other = await fakeHearth({
      'GET /hearth/v1/logs': (_, response) => void response.writeHead(200).write(`${JSON.stringify(LINE)}\n`),
    });
    await using child = start(['logs', '-f'], { env: { HEARTH_ENDPOINT: other.endpoint } });
    await said(child, 'stdout', 'one');
    await other.close();
    assert.equal((await child.ended).code, 3);
  });

  it('usage shows the sums and what a machine kept on would have cost', async () => {
    const { code, stdout } = await hearth(['usage', '--since', '24h'], { env });
    assert.equal(code, 0);
    assert.match(stdout, /hello +3 +1 +1 +1\.23 s +0\.15425 +0\.000003 USD/);
    assert.match(stdout, /for these 24 h would have cost 0\.9984 USD \(0\.0416 USD an hour\)/);
    assert.ok(server.seen.at(-1)?.query.has('from'));
    assert.match((await hearth(['usage'], { env })).stdout, /since the first invocation \(24 h ago\) would have cost 0\.9984 USD/);
    assert.equal(server.seen.at(-1)?.query.has('from'), false);
    assert.equal(JSON.parse((await hearth(['usage', '--json'], { env })).stdout).total.cost, '0.0000031708');
    assert.deepEqual(JSON.parse((await hearth(['usage', 'hello', '--records', '3', '--json'], { env })).stdout), { records: [] });
    assert.equal(server.seen.at(-1)?.query.get('limit'), '3');
    assert.equal((await hearth(['usage', '--records', '3', '--since', '1h'], { env })).code, 2, 'it would be left out without a word');
  });

  it('usage takes months, days and times, and no day that there is not', async () => {
    const asked = async (...args: string[]): Promise<(string | null | undefined)[]> => {
      const { code } = await hearth(['usage', '--json', ...args], { env: { ...env, TZ: 'America/New_York' } });
      assert.equal(code, 0);
      return ['from', 'to'].map((name) => server.seen.at(-1)?.query.get(name));
    };
    const ms = (text: string): string => String(Date.parse(text));
    assert.deepEqual(await asked('--since', '2026-11', '--until', '2026-12'), [ms('2026-11-01T00:00Z'), ms('2026-12-01T00:00Z')]);
    assert.deepEqual(await asked('--since', '2024-02-29'), [ms('2024-02-29T00:00Z'), null]);
    assert.deepEqual(await asked('--until', '2026-11-18 06:00'), [null, ms('2026-11-18T11:00Z')]);
    assert.deepEqual(await asked('--until', '2026-11-18T06:00:01.5+02:00'), [null, ms('2026-11-18T04:00:01.5Z')]);
    for (const none of ['2026-02-30', '2026-13', '2026-11-18T25:00', 'yesterday', '2026-11-18T', '-5m'])
      assert.equal((await hearth(['usage', `--since=${none}`], { env })).code, 2, none);
    const { code, stderr } = await hearth(['usage', '--since', '2026-12', '--until', '2026-11'], { env });
    assert.deepEqual([code, stderr.split('\n')[0]], [2, 'error: --since is after --until']);
  });

  it('what somebody else named breaks no table, and says nothing to a terminal', async () => {
    const subject = 'uploads/a\u001b[31m\nb\tc.jpg';
    const event = { ...EVENT, subject };
    await using other = await fakeHearth({ 'GET /hearth/v1/events': (_, response) => json(response, 200, { events: [event] }) });
    const { stdout } = await hearth(['events'], { env: { HEARTH_ENDPOINT: other.endpoint } });
    assert.deepEqual(stdout.split('\n').length, 3);
    assert.ok(stdout.includes('uploads/a\ufffd[31m b c.jpg'), stdout);
  });

  it('ps and evict answer programs', async () => {
    const { stdout } = await hearth(['ps', '--json'], { env });
    assert.deepEqual(JSON.parse(stdout), { functions: [], instances: [], snapshots: [], plain: [], zygotes: [] });
    assert.deepEqual(JSON.parse((await hearth(['evict', 'hello', '--to', 'disk', '--json'], { env })).stdout), {
      instances: 2,
      snapshots: 1,
      zygotes: 0,
    });
    assert.deepEqual(JSON.parse(String(server.seen.at(-1)?.body)), { to: 'disk' });
    assert.equal((await hearth(['evict', 'hello', '--to', 'nowhere'], { env })).code, 2);
  });

  it('ps: of a function that is started plainly nothing is resident but its instances', async () => {
    const stay = { phase: 'here', snapshotUntilMs: Date.now() + 3_600_500, instancesUntilMs: null, backAtMs: null, why: 'fixed' };
    const plain = { version: '$LATEST', runtime: 'x', memoryMb: 1, resident: 'plain', modifiedAtMs: 0, url: null, stay };
    const functions = [
      { ...plain, name: 'gone', instances: 0 },
      { ...plain, name: 'here', instances: 1 },
    ];
    await using other = await fakeHearth({
      'GET /hearth/v1/functions': (_, response) => json(response, 200, { functions }),
      'GET /hearth/v1/instances': (_, response) => json(response, 200, { instances: [], snapshots: [], plain: [], zygotes: [] }),
    });
    const { stdout } = await hearth(['ps'], { env: { HEARTH_ENDPOINT: other.endpoint } });
    assert.match(stdout, /\ngone +\$LATEST +- +x +1 MB +0 +nothing +next call +fixed/);
    assert.match(stdout, /\nhere +\$LATEST +- +x +1 MB +1 +plain +for [^\n]+ fixed/);
  });

  it('ps says which revision an instance runs, which during a roll-out is not always the function’s', async () => {
    const [before, now] = ['11111111-1111-4111-8111-111111111111', '22222222-2222-4222-8222-222222222222'];
    const f = { name: 'f', version: '$LATEST', revisionId: now, runtime: 'x', memoryMb: 1, instances: 2, resident: 'plain', url: null };
    const one = { function: 'f', version: '$LATEST', pid: 1, state: 'busy', rung: 'snapshot', startedAtMs: 0, invocations: 1 };
    const instances = [
      { ...one, id: 'old', revisionId: before, memoryBytes: null },
      { ...one, id: 'new', version: '3', revisionId: now, memoryBytes: null },
    ];
    await using fake = await fakeHearth({
      'GET /hearth/v1/functions': (_, response) => json(response, 200, { functions: [{ ...f, modifiedAtMs: 0 }] }),
      'GET /hearth/v1/instances': (_, response) => json(response, 200, { instances, snapshots: [], plain: [], zygotes: [] }),
    });
    const { stdout } = await hearth(['ps'], { env: { HEARTH_ENDPOINT: fake.endpoint } });
    assert.match(stdout, /^f +\$LATEST +22222222 +x/m);
    assert.match(stdout, /^INSTANCE +FUNCTION +VERSION +REVISION +STATE/m);
    assert.match(stdout, /^old +f +\$LATEST +11111111 +busy/m);
    assert.match(stdout, /^new +f +3 +22222222 +busy/m);
  });

  it('ps knows no memory of what nobody can look at', async () => {
    const functions = [
      { name: 'f', version: '$LATEST', runtime: 'x', memoryMb: 1, instances: 1, resident: 'plain', modifiedAtMs: 0, url: null },
    ];
    const instances = [
      {
        id: 'abc',
        function: 'f',
        version: '$LATEST',
        pid: null,
        state: 'idle',
        rung: 'disk',
        startedAtMs: 0,
        invocations: 1,
        memoryBytes: null,
      },
    ];
    await using fake = await fakeHearth({
      'GET /hearth/v1/functions': (_, response) => json(response, 200, { functions }),
      'GET /hearth/v1/instances': (_, response) => json(response, 200, { instances, snapshots: [], plain: [], zygotes: [] }),
    });
    const { stdout } = await hearth(['ps'], { env: { HEARTH_ENDPOINT: fake.endpoint } });
    assert.match(stdout, /abc +f +\$LATEST +- +idle +disk +1 +- +- /);
  });

  it('ps says what is not forked, and why', async () => {
    const present = server.routes.get('GET /hearth/v1/instances')!;
    const functions = server.routes.get('GET /hearth/v1/functions');
    server.routes.set('GET /hearth/v1/functions', (_, response) =>
      json(response, 200, {
        functions: [
          { name: 'hello', version: '$LATEST', runtime: 'x', memoryMb: 1, instances: 1, resident: 'plain', modifiedAtMs: 0, url: null },
        ],
      }),
    );
    const plain = [{ function: 'hello', version: '$LATEST', reason: 'sharp started 3 worker threads', failedForks: 0 }];
    server.routes.set('GET /hearth/v1/instances', (_, response) =>
      json(response, 200, { instances: [], snapshots: [], plain, zygotes: [] }),
    );
    const { stderr, stdout } = await hearth(['ps'], { env });
    assert.match(stdout + stderr, /hello is not forked: sharp started 3 worker threads/);
    server.routes.set('GET /hearth/v1/instances', present);
    if (functions === undefined) server.routes.delete('GET /hearth/v1/functions');
    else server.routes.set('GET /hearth/v1/functions', functions);
  });

  it('finds the server by the status file of its home', async () => {
    await using here = await folder();
    await writeFile(join(here.path, 'server.json'), JSON.stringify({ pid: process.pid, endpoint: server.endpoint, startedAtMs: 1 }));
    assert.equal((await hearth(['ps'], { env: { HEARTH_HOME: here.path } })).code, 0);
  });

  it('init writes what deploys, and overwrites nothing', async () => {
    await using here = await folder();
    for (const [runtime, file] of [
      ['nodejs20.x', 'index.mjs'],
      ['python3.11', 'lambda_function.py'],
    ] as const) {
      const made = await hearth(['init', runtime, '--runtime', runtime], { cwd: here.path });
      assert.equal(made.code, 0, made.stderr);
      await access(join(here.path, runtime, runtime.replace('.', '-'), file));
      const yaml = await readFile(join(here.path, runtime, 'hearth.yaml'), 'utf8');
      const schema = /^# yaml-language-server: \$schema=(.+)\n/.exec(yaml)?.[1] ?? '';
      assert.equal(JSON.parse(await readFile(join(here.path, runtime, schema), 'utf8')).type, 'object');
      const dry = await hearth(['deploy', 'nobody'], { cwd: join(here.path, runtime) });
      assert.match(dry.stderr, /no function nobody/, 'the file is taken, only the name is not');
      await writeFile(join(here.path, runtime, 'hearth.yaml'), 'mine');
      assert.equal((await hearth(['init', runtime, '--runtime', runtime], { cwd: here.path })).code, 2);
      assert.equal(await readFile(join(here.path, runtime, 'hearth.yaml'), 'utf8'), 'mine');
    }
    assert.equal((await hearth(['init', 'x', '--runtime', 'cobol'], { cwd: here.path })).code, 2);
  });

  it('init names the function after its folder, says where to go in the shell’s words, and leaves nothing half made', async () => {
    await using here = await folder();
    const made = await hearth(['init', 'Mi función'], { cwd: here.path });
    assert.match(made.stderr, /made Mi función\/Mi-funcion\/index\.mjs\n[^]*\nnext: cd 'Mi función' && hearth up\n$/);
    assert.match(await readFile(join(here.path, 'Mi función/hearth.yaml'), 'utf8'), /\n  Mi-funcion:\n[^]*\n    code: \.\/Mi-funcion\n/);
    assert.equal((await hearth(['init', '…'], { cwd: here.path })).code, 0);
    await access(join(here.path, '…/hello/index.mjs'));
    await mkdir(join(here.path, 'mine/mine'), { recursive: true });
    await writeFile(join(here.path, 'mine/mine/index.mjs'), 'mine');
    assert.match((await hearth(['init', 'mine'], { cwd: here.path })).stderr, /^error: [^\n]*index\.mjs is there already\nfix: /);
    assert.deepEqual(await readdir(join(here.path, 'mine')), ['mine']);
  });

  it('down is content when nothing runs, and leaves a stranger of the same pid alone', async () => {
    await using here = await folder();
    const home = { HEARTH_HOME: here.path };
    assert.deepEqual(await hearth(['down', '--json'], { env: home }), { code: 0, stdout: '{"ended":null}\n', stderr: '' });
    const gone = await fakeHearth();
    await gone.close();
    await writeFile(join(here.path, 'server.json'), JSON.stringify({ pid: process.pid, endpoint: gone.endpoint, startedAtMs: 1 }));
    const { code, stderr } = await hearth(['down'], { env: home });
    assert.equal(code, 3);
    assert.match(stderr, /may be another program by now/);
  });

  it('help says all there is, also of the exit codes', async () => {
    const { code, stdout } = await hearth(['--help']);
    assert.equal(code, 0);
    for (const name of ['up', 'down', 'deploy', 'dev', 'invoke', 'logs', 'ps', 'usage', 'evict', 'rm', 'status', 'init'])
      assert.match(stdout, new RegExp(`^  ${name} `, 'm'));
    assert.match((await hearth(['help', 'exit-codes'])).stdout, /^ +4 +throttled/m);
    assert.equal((await hearth(['frobnicate'])).code, 2);
  });

  it('a command line that is wrong names the help of its own command', async () => {
    for (const [args, help] of [
      [['frobnicate'], 'hearth --help'],
      [['deploy', '--frob'], 'hearth deploy --help'],
      [['invoke'], 'hearth invoke --help'],
      [['up', '--port', '65536'], 'hearth up --help'],
      [['keys', 'create', '--frob'], 'hearth keys create --help'],
    ] as const) {
      const { code, stdout, stderr } = await hearth(args);
      assert.deepEqual([code, stdout], [2, ''], args.join(' '));
      assert.ok(stderr.endsWith(`\nfix: \`${help}\` shows what there is\n`), stderr);
    }
  });
});
