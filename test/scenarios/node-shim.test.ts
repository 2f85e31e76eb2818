import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir, totalmem } from 'node:os';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import * as protocol from '../../src/runtimes/protocol.ts';
import { Frame, type ChildExited, type ConfineStep, type FunctionOrder, type InitDone } from '../../src/runtimes/protocol.ts';
import { header, Host, invoke, root, type Outcome, type Peer } from './node-shim-host.ts';

/** How a child ended, and that who reaped it knows what it held: more than an empty process, less than the machine. */
function assertEnded({ peakMemoryBytes, ...ended }: ChildExited, expected: Omit<ChildExited, 'peakMemoryBytes'>): void {
  assert.deepEqual(ended, expected);
  assert.ok(peakMemoryBytes > 10 * 1024 * 1024 && peakMemoryBytes < totalmem(), `${peakMemoryBytes} bytes`);
}

const frames = createRequire(import.meta.url)(path.join(root, 'shims/node/frames.cjs')) as Record<string, unknown>;
const supported = process.platform === 'linux';
const parse = (outcome: Outcome): any => JSON.parse(outcome.body);

test('the shim speaks the protocol of src/runtimes/protocol.ts', () => {
  for (const name of ['PROTOCOL_VERSION', 'MAX_FRAME_BYTES', 'BODY_CHUNK_BYTES', 'ANSWER_WINDOW_BYTES', 'Frame'] as const) {
    assert.deepEqual(frames[name], protocol[name]);
  }
});

describe('the Node.js shim', { skip: supported ? false : 'forking needs Linux' }, () => {
  let host: Host;
  let zygote: Peer;
  before(async () => {
    host = await Host.start();
    zygote = await host.zygote();
  });
  after(() => host.close());

  /** A function whose init phase went well: its snapshot and a way to get instances of it. */
  async function snapshotOf(
    name: string,
    over: Partial<FunctionOrder> = {},
  ): Promise<{ snapshot: Peer; init: InitDone; instance: () => Promise<Peer> }> {
    const snapshot = await host.fork(zygote);
    const init = await host.initialise(snapshot, name, over);
    assert.ok('unforkable' in init, JSON.stringify(init));
    return { snapshot, init, instance: () => host.instance(snapshot) };
  }

  async function once(
    name: string,
    over: Partial<FunctionOrder>,
    event: unknown = {},
  ): Promise<{ outcome: Outcome; peer: Peer; requestId: string; snapshot: Peer }> {
    const { snapshot, instance } = await snapshotOf(name, over);
    const peer = await instance();
    const { requestId } = header();
    return { outcome: await invoke(peer, event, { requestId }), peer, requestId, snapshot };
  }

  test('greets with what it is', () => {
    assert.equal(zygote.hello.protocol, protocol.PROTOCOL_VERSION);
    assert.equal(zygote.hello.runtime, `node/${process.versions.node}`);
    assert.deepEqual(zygote.hello.capabilities, ['fork', 'concurrency']);
    assert.deepEqual(zygote.hello.unconfined, []);
  });

  test('forks instances that share no randomness and know who they are', async () => {
    const { init, instance } = await snapshotOf('node-echo');
    assert.equal(init.unforkable, null);
    assert.equal(init.slowestModules[0]?.name, 'index.cjs');
    const instances = await Promise.all(Array.from({ length: 50 }, () => instance()));
    const answers = await Promise.all(instances.map(async (peer) => parse(await invoke(peer, { a: 1 }))));
    for (const key of ['pid', 'random', 'uuid', 'webUuid', 'bytes', 'values'])
      assert.equal(new Set(answers.map((answer) => answer[key])).size, 50, key);
    for (const [i, answer] of answers.entries()) {
      assert.equal(answer.pid, instances[i]!.hello.pid);
      assert.equal(answer.calls, 1);
      assert.deepEqual(answer.event, { a: 1 });
      assert.equal(answer.logStream, '2026/01/01/[$LATEST]abc');
      assert.equal(answer.environment, answer.logStream);
      assert.match(answer.uuid, /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    }
    assert.equal(parse(await invoke(instances[0]!, {})).calls, 2);
  });

  test('a zygote practises before an order that has time, and others wait no longer than that', async () => {
    const fresh = await host.zygote();
    const patient = host.forkOrder(fresh, null, { confine: [{ op: 'setsid' }], practised: true });
    const hurried = host.forkOrder(fresh, null, { confine: [{ op: 'setsid' }] });
    const children = await Promise.all([patient.greeted, hurried.greeted]);
    const later = await host.fork(fresh);
    for (const child of [...children, later]) {
      await host.initialise(child, 'node-echo');
      const instance = await host.instance(child);
      assert.equal(parse(await invoke(instance, { a: 1 })).calls, 1);
    }
    assert.equal(host.logs.get(fresh.hello.token), '', 'practice prints nothing');
  });

  test('reaps instances and says how they ended; they outlive their parent', async () => {
    const { snapshot, instance } = await snapshotOf('node-lambda', { handler: 'index.exits' });
    const [exits, killed, survivor] = [await instance(), await instance(), await instance()];
    assert.equal((await invoke(exits, {})).end, null);
    assertEnded(await host.childExited(snapshot, exits), { pid: exits.hello.pid, code: 5, signal: null });
    process.kill(killed.hello.pid, 'SIGKILL');
    assertEnded(await host.childExited(snapshot, killed), { pid: killed.hello.pid, code: null, signal: 9 });
    assert.equal(existsSync(`/proc/${killed.hello.pid}`), false);
    snapshot.close();
    assertEnded(await host.childExited(zygote, snapshot), { pid: snapshot.hello.pid, code: 0, signal: null });
    assert.equal((await invoke(survivor, {})).end, null);
  });

  test('a parent collects what its orders leave behind: the three hundredth child begins with as little rubbish as the first', async () => {
    const { snapshot, instance } = await snapshotOf('node-lambda', { handler: 'index.rubbish' });
    const first = parse(await invoke(await instance(), {}));
    for (let i = 1; i < 299; i++) (await host.fork(snapshot)).close();
    const last = parse(await invoke(await instance(), {}));
    const [MOST_YOUNG, MOST_EXTERNAL] = [512 * 1024, 2 * 1024 * 1024];
    assert.ok(last.young - first.young < MOST_YOUNG, `${first.young} became ${last.young}`);
    assert.ok(last.external - first.external < MOST_EXTERNAL, `${first.external} became ${last.external}`);
  });

  test('an instance whose host has gone ends', async () => {
    const { snapshot, instance } = await snapshotOf('node-echo');
    const peer = await instance();
    peer.close();
    assertEnded(await host.childExited(snapshot, peer), { pid: peer.hello.pid, code: 0, signal: null });
  });

  test('the context object is Lambda’s', async () => {
    const clientContext = JSON.stringify({ custom: { a: 'b' } });
    const { snapshot } = await snapshotOf('node-lambda', { handler: 'index.context' });
    const peer = await host.instance(snapshot);
    const answer = parse(await invoke(peer, {}, { requestId: 'id-1', clientContext, deadlineMs: Date.now() + 5000 }));
    assert.ok(answer.remaining > 0 && answer.remaining <= 5000);
    delete answer.remaining;
    assert.deepEqual(answer, {
      callbackWaitsForEmptyEventLoop: true,
      functionVersion: '$LATEST',
      functionName: 'node-lambda',
      memoryLimitInMB: '128',
      logGroupName: '/aws/lambda/node-lambda',
      logStreamName: '2026/01/01/[$LATEST]abc',
      clientContext: { custom: { a: 'b' } },
      invokedFunctionArn: 'arn:aws:lambda:us-east-1:000000000000:function:test',
      awsRequestId: 'id-1',
      trace: 'Root=1-2-3',
    });
  });

  test('callbacks wait for the event loop, unless told otherwise', async () => {
    const late = await (await snapshotOf('node-lambda', { handler: 'index.late' })).instance();
    assert.deepEqual(parse(await invoke(late, {})), { ticks: 0 });
    assert.deepEqual(parse(await invoke(late, {})), { ticks: 1 });
    const atOnce = await (await snapshotOf('node-lambda', { handler: 'index.atOnce' })).instance();
    assert.ok((await invoke(atOnce, {})).end!.handlerMs < 20);
  });

  const answers: [string, unknown][] = [
    ['silent', null],
    ['unsettled', null],
    ['nothing', null],
    ['succeed', 'succeeded'],
  ];
  for (const [handler, expected] of answers) {
    test(`${handler}: answers ${JSON.stringify(expected)}`, async () => {
      const { outcome } = await once('node-lambda', { handler: `index.${handler}` });
      assert.equal(outcome.end?.errorType, null);
      assert.deepEqual(parse(outcome), expected);
    });
  }

  const failures: [string, string, string | RegExp][] = [
    ['callbackError', 'RangeError', 'out of range'],
    ['callbackString', 'string', 'just text'],
    ['fail', 'Error', 'failed'],
    ['throws', 'TypeError', 'two\nlines'],
    ['throwsAtOnce', 'Error', 'at once'],
    ['throwsNothing', 'string', 'undefined'],
    ['bigint', 'Runtime.MarshalError', /^Unable to stringify response body as json: /],
  ];
  for (const [handler, errorType, message] of failures) {
    test(`${handler}: fails with ${errorType} and lives on`, async () => {
      const { outcome, peer, requestId } = await once('node-lambda', { handler: `index.${handler}` });
      assert.equal(outcome.end?.errorType, errorType);
      const document = parse(outcome);
      assert.deepEqual(Object.keys(document), ['errorType', 'errorMessage', 'trace']);
      assert.equal(document.errorType, errorType);
      if (typeof message === 'string') assert.equal(document.errorMessage, message);
      else assert.match(document.errorMessage, message);
      assert.match(await host.logOf(peer, requestId, outcome), new RegExp(`\\t${requestId}\\tERROR\\tInvoke Error \\t`));
      assert.equal((await invoke(peer, {})).end?.errorType, errorType);
    });
  }

  for (const [handler, errorType, code, label] of [
    ['uncaught', 'Error', 129, 'Uncaught Exception'],
    ['unhandled', 'Runtime.UnhandledPromiseRejection', 128, 'Unhandled Promise Rejection'],
  ] as const) {
    test(`${handler}: answers ${errorType} and ends`, async () => {
      const { outcome, peer, requestId, snapshot } = await once('node-lambda', { handler: `index.${handler}` });
      assert.equal(outcome.end?.errorType, errorType);
      assert.match(await host.logOf(peer, requestId, outcome), new RegExp(`\\tERROR\\t${label} \\t`));
      assertEnded(await host.childExited(snapshot, peer), { pid: peer.hello.pid, code, signal: null });
    });
  }

  test('one that lets nobody say why it fails ends all the same', async () => {
    const { outcome, peer, snapshot } = await once('node-lambda', { handler: 'index.silenced' });
    assert.equal(outcome.end?.errorType, 'Runtime.UnhandledPromiseRejection');
    assert.equal((await host.childExited(snapshot, peer)).code, 128);
  });

  test('bodies of 6 MB go both ways', async () => {
    const peer = await (await snapshotOf('node-lambda', { handler: 'index.echo' })).instance();
    const text = 'ü'.repeat(3 << 20);
    assert.equal(parse(await invoke(peer, { text })).text, text);
    assert.equal(parse(await invoke(peer, 'small')), 'small');
  });

  test('all that an invocation prints comes before its mark', async () => {
    const { outcome, peer, requestId } = await once('node-lambda', { handler: 'index.prints' });
    const log = (await host.logOf(peer, requestId, outcome)).replaceAll(/^\S+Z\t/gm, '');
    assert.equal(log, `${requestId}\tINFO\tone\rtwo\n${requestId}\tWARN\tcareful-7\nraw\nerror\ndirect\nchild\nchild-error\n`);
  });

  test('a forked process can do what a Node.js process can', async () => {
    const peer = await (await snapshotOf('node-world')).instance();
    assert.deepEqual(parse(await invoke(peer, {})), {
      fetch: 'over http',
      files: true,
      names: true,
      keys: 8,
      zip: 'zipped',
      exec: 'executed\n',
      execSync: 'synchronously\n',
      worker: ['from a worker', 0],
      collections: 30,
      compiler: true,
    });
  });

  test('ES modules, nested handlers, imports in the child', async () => {
    const { outcome } = await once('node-esm', { handler: 'index.inner.handler' });
    assert.deepEqual(parse(outcome), { file: 'index.js', word: 'imported', later: 'imported later' });
  });

  test('timers of the init phase run in instances only', async () => {
    const ticks = path.join(host.directory, 'ticks');
    const ticksOf = (peer: Peer): number =>
      existsSync(ticks)
        ? readFileSync(ticks, 'utf8')
            .split('\n')
            .filter((line) => line === String(peer.hello.pid)).length
        : 0;
    const { snapshot, instance } = await snapshotOf('node-timers', { environment: { TICKS: ticks } });
    const duringInit = ticksOf(snapshot);
    await new Promise((resolve) => setTimeout(resolve, 60)); // long enough for the parent's interval, did it run
    const peer = await instance();
    const { ticks: counted, tookMs } = parse(await invoke(peer, { ms: 65 }));
    assert.ok(counted >= 1 && tookMs >= 64, JSON.stringify({ counted, tookMs }));
    assert.equal(ticksOf(snapshot), duringInit);
    assert.ok(ticksOf(peer) >= counted);
  });

  test('connections that init leaves in pools do not forbid forking', async () => {
    const { init, instance } = await snapshotOf('node-pools');
    assert.equal(init.unforkable, null);
    assert.deepEqual(parse(await invoke(await instance(), {})), { viaAgent: 'configured', viaFetch: 'configured', agents: 0 });
  });

  test('a handler is rehearsed with its sample event before it is forked', async () => {
    const { instance } = await snapshotOf('node-pools', { handler: 'rehearsed.handler', rehearsal: '{"bytes": 3000000}' });
    assert.deepEqual(parse(await invoke(await instance(), {})), { calls: 4, big: 0 });
    const failing = await snapshotOf('node-pools', { handler: 'rehearsed.handler', rehearsal: '{"fail": true}' });
    assert.deepEqual(parse(await invoke(await failing.instance(), {})), { calls: 1, big: 0 });
    const spawning = await host.fork(zygote);
    const init = (await host.initialise(spawning, 'node-pools', {
      handler: 'rehearsed.handler',
      rehearsal: '{"spawn": true}',
    })) as InitDone;
    assert.match(init.unforkable ?? '', /3 processes running/);
    spawning.close();
  });

  test(
    'confinement: steps are taken in order, optional ones may fail and say so, others end the child',
    { skip: process.getuid?.() === 0 ? false : 'needs root' },
    async () => {
      await host.open();
      const code = path.join(root, 'test/functions/node-confined');
      const steps: ConfineStep[] = [
        { op: 'setsid' },
        { op: 'subreaper' },
        { op: 'noNewPrivs' },
        { op: 'ids', uid: 654321, gid: 654321 },
        { op: 'dropCapabilities' },
      ];
      const snapshot = await host.fork(zygote, null, steps);
      assert.deepEqual(snapshot.hello.unconfined, []);
      await host.initialise(snapshot, 'node-confined');
      const kept = path.join(host.directory, 'kept');
      await writeFile(kept, 'kept');
      const peer = await host.fork(snapshot, 'stream', [
        { op: 'unshare', namespaces: ['user', 'mount', 'ipc', 'uts'] },
        { op: 'mask', target: tmpdir(), sizeMb: 8, mode: 0o1777, keep: [kept] },
        { op: 'hostname', name: 'confined' },
        { op: 'rlimit', resource: 7, soft: 200, hard: 300 },
        { op: 'affinity', cpus: [0] },
        { op: 'umask', mask: 0o27 },
        { op: 'environment', name: 'GIVEN', value: 'by a step' },
        { op: 'dropCapabilities' },
        { op: 'hostname', name: 'too-late', optional: true },
      ]);
      assert.deepEqual(peer.hello.unconfined, ['hostname: sethostname: EPERM']);
      peer.welcome('instance');
      const seen = parse(await invoke(peer, { directory: tmpdir(), kept, code }));
      assert.deepEqual(seen, {
        ids: [654321, 654321],
        hostname: 'confined',
        files: [path.relative(tmpdir(), path.dirname(kept)), 'written'],
        kept: 'kept',
        overwritten: 'EROFS',
        mode: 0o640,
        given: 'by a step',
        limit: ['200', '300'],
        cpus: '0',
        capabilities: ['0000000000000000', '0000000000000000', '0000000000000000'],
        noNewPrivs: '1',
      });
      assert.equal(existsSync(path.join(tmpdir(), 'written')), false);
      assert.match(readFileSync(`/proc/${peer.hello.pid}/smaps_rollup`, 'utf8'), /^Pss:/m);

      const failed = host.forkOrder(snapshot, null, { confine: [{ op: 'hostname', name: 'not allowed' }] });
      const { pid } = await failed.forked;
      const ended = await snapshot.take(({ type, payload }) => type === Frame.childExited && JSON.parse(payload.toString()).pid === pid);
      assert.equal(JSON.parse(ended!.payload.toString()).code, 70);
      await host.logged(failed.token, /confinement step hostname failed: sethostname: EPERM/);
    },
  );

  test('what is not the protocol ends the connection and the process', async () => {
    const { snapshot, instance } = await snapshotOf('node-echo');
    const peer = await instance();
    peer.send(99, 1, {});
    assert.equal((await host.childExited(snapshot, peer)).code, 0);
    snapshot.send(Frame.invoke, 1, {});
    assert.equal((await host.childExited(zygote, snapshot)).code, 70);
  });

  test('an event is put together from its pieces, and is as long as was said', async () => {
    const { snapshot, instance } = await snapshotOf('node-echo');
    const peer = await instance();
    const event = { text: 'é'.repeat(400_000) };
    for (let i = 0; i < 3; i++) assert.deepEqual(JSON.parse((await invoke(peer, event)).body).event ?? null, event);
    const request = 1_000_000;
    peer.send(Frame.invoke, request, header({ bytes: 10 }));
    peer.send(Frame.event, request, Buffer.alloc(20, ' '));
    assert.equal((await host.childExited(snapshot, peer)).code, 0);
    await host.logged(peer.hello.token, /an event of more than the 10 bytes that were announced/);
  });

  test("a snapshot's child is ready before it is welcomed, as an instance or not at all", async () => {
    const { snapshot } = await snapshotOf('node-echo');
    const [apart, wrong] = [await host.fork(snapshot), await host.fork(snapshot)];
    apart.welcome('instance');
    assert.equal((await invoke(apart, { a: 1 })).end?.errorType, null);
    wrong.welcome('zygote');
    assert.equal((await host.childExited(snapshot, wrong)).code, 0);
    assert.match(await host.logged(wrong.hello.token, /the role zygote/), /snapshot's child/);
  });
});
