import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { totalmem } from 'node:os';
import { after, before, describe, it } from 'node:test';
import { ANSWER_WINDOW_BYTES, Frame, PROTOCOL_VERSION, logMark, type ChildExited } from '../../src/runtimes/protocol.ts';
import { ENVIRONMENT, ShimHost, fixture, type Shim } from './python-shim-host.ts';

/** Resolves when a process is seen sleeping twice in a row. */
async function asleep(pid: number): Promise<void> {
  for (let seen = 0; seen < 2;) {
    const state = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.[0];
    seen = state === 'S' ? seen + 1 : 0;
    await new Promise((resolve) => setImmediate(resolve));
  }
}

const EVERYTHING = { taskRoot: fixture('python-everything') };

describe('Python shim', { timeout: 60_000 }, () => {
  let host: ShimHost;
  let zygote: Shim;
  let snapshot: Shim;

  before(async () => {
    host = await ShimHost.open();
    zygote = await host.zygote();
    snapshot = await host.fork(zygote);
    const { report } = await snapshot.init(EVERYTHING);
    assert.equal(report['unforkable'], null);
  });
  after(() => host.close());

  it('greets with its runtime and what it can do', () => {
    assert.match(zygote.hello.runtime, /^python\/3\.\d+\.\d+$/);
    assert.deepEqual(zygote.hello.capabilities, ['fork', 'concurrency']);
  });

  it('makes fifty instances that share the init phase and nothing random', async () => {
    const seen: Record<string, unknown>[] = [];
    for (let i = 0; i < 50; i++) {
      const instance = await host.instance(snapshot);
      seen.push((await instance.value({ do: 'who' })) as Record<string, unknown>);
      instance.connection.end();
    }
    for (const key of ['random', 'own_generator', 'uuid1', 'uuid4', 'tempfile', 'pid'])
      assert.equal(new Set(seen.map((s) => s[key])).size, 50, key);
    assert.equal(new Set(seen.map((s) => s['made_in_init'])).size, 1);
  });

  it('keeps what is global between invocations', async () => {
    const instance = await host.instance(snapshot);
    await instance.value({ do: 'who' });
    assert.equal((await instance.value({ do: 'who' })).calls, 2);
  });

  it('says what is left of its time whatever the clock on the wall does, which may be set', async () => {
    const instance = await host.instance(snapshot);
    const { before, after } = await instance.value({ do: 'clock_set' }, { deadlineMs: Date.now() + 600_000 });
    assert.ok(before <= 600_000 && before >= after && after > 300_000, `${before} became ${after}`);
  });

  it('gives the handler the context, environment and working directory of Lambda', async () => {
    const instance = await host.instance(snapshot, { logStream: 'second' });
    const clientContext = JSON.stringify({ custom: { a: 1 }, client: { app_title: 'app' } });
    const seen = await instance.value({ do: 'describe' }, { requestId: 'r-1', invokedArn: 'arn:x:1', clientContext, traceId: 'Root=1' });
    assert.ok(seen.remaining > 0 && seen.remaining <= 3_000);
    const { remaining: _, environment, ...rest } = seen;
    assert.deepEqual(rest, {
      request: 'r-1',
      arn: 'arn:x:1',
      name: 'demo',
      version: '$LATEST',
      memory: '128',
      group: '/aws/lambda/demo',
      stream: 'second',
      identity: null,
      custom: { a: 1 },
      app: 'app',
      trace: 'Root=1',
      cwd: EVERYTHING.taskRoot,
      path: EVERYTHING.taskRoot,
      threads: 1,
    });
    assert.equal(environment.OMP_NUM_THREADS, undefined, 'of the init phase only');
    assert.equal(environment.HEARTH_TOKEN, undefined);
    assert.equal((await instance.value({ do: 'describe' })).trace, null);
  });

  it('reports what a handler raises as Lambda does', async () => {
    const instance = await host.instance(snapshot);
    const result = await instance.call({ do: 'fail' }, { requestId: 'r-2' });
    assert.equal(result.errorType, 'Custom');
    const document = JSON.parse(result.body.toString()) as { stackTrace: string[] };
    assert.equal(document.stackTrace.length, 2);
    assert.match(
      document.stackTrace[1] ?? '',
      /^ {2}File ".*lambda_function\.py", line \d+, in fail\n {4}raise Custom\("this went wrong"\)\n$/,
    );
    assert.deepEqual(
      { ...document, stackTrace: [] },
      { errorMessage: 'this went wrong', errorType: 'Custom', requestId: 'r-2', stackTrace: [] },
    );
    assert.match(instance.log.text, /^\[ERROR\] Custom: this went wrong\rTraceback/m);
  });

  it('marshals as Lambda does', async () => {
    const instance = await host.instance(snapshot);
    assert.equal((await instance.call({ do: 'decimals' })).body.toString(), '[3, 1.5, 12345678901234567890]');
    assert.equal(
      (await instance.call({ do: 'particular' })).body.toString(),
      '{"price": 1.10, "exact": [0.12345678901234567890123, 1E+3, NaN], "points": [{"x": 1, "y": [2, {"x": 3.0, "y": "four"}]}], "bytes": "text"}',
    );
    assert.equal((await instance.call({ do: 'surrogate' })).body.toString(), '"\\ud800"');
    assert.deepEqual((await instance.call({ do: 'raw' })).body, Buffer.from([0, 255]));
    assert.equal((await instance.call({ do: 'echo', text: 'é' })).body.toString(), '{"do": "echo", "text": "é"}');
    for (const [what, message] of [
      ['unprintable', /^Unable to marshal response: Object of type Unprintable is not JSON serializable$/],
      ['circular', /^Unable to marshal response: Circular reference detected$/],
      ['asynchronous', /coroutine is not JSON serializable.*asyncio\.run/],
    ] as const) {
      const result = await instance.call({ do: what });
      assert.equal(result.errorType, 'Runtime.MarshalError');
      assert.match((JSON.parse(result.body.toString()) as { errorMessage: string }).errorMessage, message);
    }
    const garbage = await instance.connection.call(Buffer.from('{nonsense'));
    assert.equal(garbage.errorType, 'Runtime.UnmarshalError');
    for (const constant of ['NaN', '[Infinity]', '{"a": -Infinity}'])
      assert.equal((await instance.connection.call(Buffer.from(constant))).errorType, 'Runtime.UnmarshalError', constant);
    assert.equal((await instance.connection.call(Buffer.from('{"do": "echo"}'))).errorType, null);
  });

  it('shows its context as AWS’s runtime does', async () => {
    const instance = await host.instance(snapshot, { logStream: 'stream' });
    const clientContext = JSON.stringify({ custom: { a: 1 }, client: { app_title: 'app' } });
    assert.equal(
      await instance.value({ do: 'show' }, { requestId: 'r-1', invokedArn: 'arn:x:1', clientContext }),
      'LambdaContext([aws_request_id=r-1,log_group_name=/aws/lambda/demo,log_stream_name=stream,function_name=demo,memory_limit_in_mb=128,' +
        "function_version=$LATEST,invoked_function_arn=arn:x:1,client_context=ClientContext([custom={'a': 1},env=None,client=Client([" +
        'installation_id=None,app_title=app,app_version_name=None,app_version_code=None,app_package_name=None])]),' +
        'identity=CognitoIdentity([cognito_identity_id=None,cognito_identity_pool_id=None]),tenant_id=None])',
    );
  });

  it('shows levels of a function’s own in JSON as those that Lambda has', async () => {
    const forked = await host.fork(zygote);
    await forked.init({ ...EVERYTHING, environment: { ...ENVIRONMENT, AWS_LAMBDA_LOG_FORMAT: 'JSON' } });
    const instance = await host.instance(forked);
    await instance.value({ do: 'log_own_level' });
    await instance.log.has('"level": "WARNING", "message": "noticed"');
  });

  it('lets a function format its log as AWS’s documentation shows', async () => {
    const forked = await host.fork(zygote);
    await forked.init({ ...EVERYTHING, environment: { ...ENVIRONMENT, TZ: 'XXX-05:00' } });
    const instance = await host.instance(forked);
    const { body } = await instance.call({ do: 'format_own' }, { requestId: 'r-4' });
    await instance.log.has(`INFO ${JSON.parse(body.toString())} r-4 formatted\n`);
  });

  it('answers what a handler raised that has closed its output', async () => {
    const instance = await host.instance(snapshot);
    const { errorType, body } = await instance.call({ do: 'close_output' });
    assert.equal(errorType, 'Custom');
    assert.match(body.toString(), /"errorMessage": "without a word"/);
    assert.equal((await instance.call({ do: 'echo' })).errorType, null);
  });

  it('takes and gives six megabytes', async () => {
    const instance = await host.instance(snapshot);
    const text = 'y'.repeat(6 * 1024 * 1024 - 100);
    const back = await instance.value({ do: 'echo', text });
    assert.equal(back.text, text);
  });

  it('sends no more of an answer than it was granted', async () => {
    const instance = await host.instance(snapshot);
    instance.connection.grants = false;
    const answer = instance.call({ do: 'big', bytes: 3 << 20 });
    // A process that stays within its window waits for us in recv: then, and only then, it sleeps with its frames all read.
    const window = await instance.connection.received(ANSWER_WINDOW_BYTES);
    await asleep(instance.hello.pid);
    assert.equal(instance.connection.answerBytes, ANSWER_WINDOW_BYTES);
    instance.connection.credit(window.request, 100);
    await instance.connection.received(ANSWER_WINDOW_BYTES + 100);
    await asleep(instance.hello.pid);
    assert.equal(instance.connection.answerBytes, ANSWER_WINDOW_BYTES + 100);
    instance.connection.credit(window.request, 3 << 20);
    assert.equal((await answer).body.length, (3 << 20) + 2);
  });

  it('puts everything printed before the mark', async () => {
    const instance = await host.instance(snapshot);
    const talked = await instance.call({ do: 'talk' }, { requestId: 'r-3' });
    assert.equal(talked.errorType, null);
    const mark = `${logMark(instance.hello.token)}r-3\n`;
    if (talked.marked) await instance.log.has(mark);
    const before = instance.log.text.split(mark)[0]!;
    for (const part of ['printed\n', 'without end', 'to stderr\n', 'from a child\n']) assert.ok(before.includes(part), part);
    assert.match(before, /\[INFO\]\t\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z\tr-3\tlogged\rin two lines\n/);
  });

  it('measures its own peak of memory, not its parent’s', async () => {
    const instance = await host.instance(snapshot);
    const small = (await instance.call({ do: 'echo' })).peakMemoryBytes;
    assert.ok(small > 1 << 20 && small < 100 << 20, String(small));
    const large = (await instance.call({ do: 'allocate', bytes: 150 << 20 })).peakMemoryBytes;
    assert.ok(large > small + (140 << 20) && large < small + (200 << 20), String(large));
    const other = await host.instance(snapshot);
    assert.ok((await other.call({ do: 'echo' })).peakMemoryBytes < 100 << 20);
  });

  for (const [how, code] of [
    ['leave', 7],
    ['leave_hard', 9],
  ] as const) {
    it(`ends with the code a handler gives (${how}), and its parent says so`, async () => {
      const instance = await host.instance(snapshot);
      await assert.rejects(instance.call({ do: how, code }));
      for (;;) {
        const ended = JSON.parse((await snapshot.connection.next(Frame.childExited)).payload.toString()) as { pid: number; code: number };
        if (ended.pid !== instance.hello.pid) continue;
        assert.equal(ended.code, code);
        break;
      }
    });
  }

  it('says by which signal a child ended, and how much memory it held', async () => {
    const instance = await host.instance(snapshot);
    process.kill(instance.hello.pid, 'SIGKILL');
    for (;;) {
      const frame = await snapshot.connection.next(Frame.childExited);
      const { peakMemoryBytes, ...ended } = JSON.parse(frame.payload.toString()) as ChildExited;
      if (ended.pid !== instance.hello.pid) continue;
      assert.deepEqual(ended, { pid: instance.hello.pid, code: null, signal: 9 });
      assert.ok(peakMemoryBytes > 4 * 1024 * 1024 && peakMemoryBytes < totalmem(), `${peakMemoryBytes} bytes`);
      break;
    }
  });

  it('bears a handler that leaves a child behind', async () => {
    const instance = await host.instance(snapshot);
    assert.equal(await instance.value({ do: 'leftover' }), 'ok');
    assert.equal(await instance.value({ do: 'leftover' }), 'ok');
  });

  it('ends when the host lets go', async () => {
    const own = await host.fork(zygote);
    await own.init(EVERYTHING);
    const instance = await host.instance(own);
    instance.connection.end();
    const ended = JSON.parse((await own.connection.next(Frame.childExited)).payload.toString()) as { pid: number; code: number };
    assert.deepEqual([ended.pid, ended.code], [instance.hello.pid, 0]);
    own.connection.end();
    for (;;) {
      const gone = JSON.parse((await zygote.connection.next(Frame.childExited)).payload.toString()) as { pid: number };
      if (gone.pid === own.hello.pid) break;
    }
  });

  it('closes the connection on what it does not understand', async () => {
    const instance = await host.instance(snapshot);
    instance.connection.send(99, 0);
    await instance.connection.closed;
    assert.match(instance.log.text, /protocol error: unknown frame type 99/);
  });

  it("leaves when it is welcomed as what a snapshot's child can't be", async () => {
    const child = await host.fork(snapshot);
    child.welcome({ protocol: PROTOCOL_VERSION, role: 'zygote' });
    await child.connection.closed;
    assert.match(child.log.text, /a snapshot's child can't become 'zygote'/);
  });

  it('runs several invocations at once in threads', async () => {
    const parent = await host.fork(zygote);
    assert.equal((await parent.init({ ...EVERYTHING, concurrency: 4 })).report['unforkable'], null);
    const instance = await host.instance(parent);
    const names = await Promise.all([1, 2, 3, 4].map((n) => instance.value({ do: 'together' }, { requestId: `t-${n}` })));
    assert.equal(new Set(names).size, 4);
    for (const n of [1, 2, 3, 4]) await instance.log.has(`\tt-${n}\trequest is t-${n}\n`);
    const large = await Promise.all([1, 2, 3, 4].map(() => instance.value({ do: 'big', bytes: 2 << 20 })));
    assert.ok(large.every((text: string) => text.length === 2 << 20));
    await assert.rejects(instance.call({ do: 'leave', code: 5 }));
  });

  it('serves without any fork', async () => {
    const plain = await host.spawn();
    const { ok } = await plain.init({ ...EVERYTHING, snapshot: false, environment: { ...ENVIRONMENT, OMP_NUM_THREADS: '3' } });
    assert.ok(ok);
    const seen = await plain.value({ do: 'describe' });
    assert.deepEqual([seen.stream, seen.environment.OMP_NUM_THREADS], ['first', '3']);
    const result = await plain.call({ do: 'talk' }, { requestId: 'r-4' });
    if (result.marked) await plain.log.has(`${logMark(plain.hello.token)}r-4\n`);
    assert.ok(result.peakMemoryBytes < 60 << 20, 'not the spawner’s peak');
  });
});
