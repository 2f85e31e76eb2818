import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { Frame } from '../../src/runtimes/protocol.ts';
import { ENVIRONMENT, PYTHON, ShimHost, fixture, type Shim } from './python-shim-host.ts';

describe('Python init phase', { timeout: 60_000 }, () => {
  let host: ShimHost;
  let zygote: Shim;

  before(async () => {
    host = await ShimHost.open();
    zygote = await host.zygote();
  });
  after(() => host.close());

  const failures: readonly [string, string, string, RegExp][] = [
    [
      'python-syntax-error',
      'lambda_function.lambda_handler',
      'Runtime.UserCodeSyntaxError',
      /^Syntax error in module 'lambda_function': .*\(lambda_function\.py, line 1\)$/,
    ],
    [
      'python-missing-module',
      'lambda_function.lambda_handler',
      'Runtime.ImportModuleError',
      /^Unable to import module 'lambda_function': No module named 'a_module_that_nobody_has'$/,
    ],
    [
      'python-everything',
      'nothing_here.handler',
      'Runtime.ImportModuleError',
      /^Unable to import module 'nothing_here': No module named 'nothing_here'$/,
    ],
    ['python-everything', 'lambda_function.nope', 'Runtime.HandlerNotFound', /^Handler 'nope' missing on module 'lambda_function'$/],
    [
      'python-everything',
      'handler',
      'Runtime.MalformedHandlerName',
      /^Bad handler 'handler': not enough values to unpack \(expected 2, got 1\)$/,
    ],
    ['python-everything', 'sys.handler', 'Runtime.BuiltInModuleConflict', /^Cannot use built-in module sys as a handler module$/],
    ['python-raises-in-init', 'lambda_function.lambda_handler', 'ValueError', /^no model$/],
  ];
  for (const [folder, handler, errorType, message] of failures) {
    it(`${folder} with ${handler} fails with ${errorType}`, async () => {
      const shim = await host.fork(zygote);
      const { ok, report } = await shim.init({ taskRoot: fixture(folder), handler });
      assert.equal(ok, false);
      assert.equal(report['errorType'], errorType);
      assert.match(report['errorMessage'] as string, message);
      const trace = report['stackTrace'] as string[];
      for (const frame of trace) assert.doesNotMatch(frame, /_hearth|\^\^/);
      if (errorType === 'ValueError') {
        assert.match(trace[0] ?? '', /importlib\/__init__\.py", line \d+, in import_module\n/); // as Lambda has it
        assert.match(trace.at(-1) ?? '', /in load\n {4}raise ValueError/);
      }
      await shim.connection.closed;
    });
  }

  it('ends the process when a module exits', async () => {
    const shim = await host.fork(zygote);
    await assert.rejects(shim.init({ taskRoot: fixture('python-exits-in-init') }));
    for (;;) {
      const ended = JSON.parse((await zygote.connection.next(Frame.childExited)).payload.toString()) as { pid: number; code: number };
      if (ended.pid !== shim.hello.pid) continue;
      assert.equal(ended.code, 3);
      break;
    }
  });

  for (const [folder, reason] of [
    ['python-thread-in-init', /^init left 1 thread running \(poller\), which a fork would lose: .*in the handler/],
    ['python-socket-in-init', /^init left 2 sockets open \(listening on port \d+, to 127\.0\.0\.1:\d+\).*in the handler/],
    ['python-process-in-init', /^init left 1 child process running \(sleep\): .*in the handler$/],
  ] as const) {
    it(`${folder} can't be forked, says why, and serves`, async () => {
      const shim = await host.fork(zygote);
      const { ok, report } = await shim.init({ taskRoot: fixture(folder) });
      assert.ok(ok);
      assert.match(report['unforkable'] as string, reason);
      assert.deepEqual(await shim.value({ a: 1 }), { a: 1 });
    });
  }

  for (const handler of ['pkg/mod.handler', 'pkg.mod.handler']) {
    it(`finds ${handler}`, async () => {
      const shim = await host.fork(zygote);
      assert.ok((await shim.init({ taskRoot: fixture('python-nested'), handler, snapshot: false })).ok);
      assert.equal(await shim.value({}), 'pkg.mod');
    });
  }

  it('leads to what was installed, .pth files and PYTHONPATH included, and programs that it starts, too', async () => {
    const dependencyRoot = mkdtempSync(join(tmpdir(), 'hearth-installed-'));
    mkdirSync(join(dependencyRoot, 'python/elsewhere'), { recursive: true });
    writeFileSync(join(dependencyRoot, 'python/installed.py'), 'NAME = "installed"\n');
    writeFileSync(join(dependencyRoot, 'python/some.pth'), 'elsewhere\n');
    writeFileSync(join(dependencyRoot, 'python/elsewhere/linked.py'), 'NAME = "linked"\n');
    for (const path of ['/var/task/lib', 'lib']) {
      const shim = await host.fork(zygote);
      const environment = { ...ENVIRONMENT, PATH: '/usr/bin:/bin', PYTHONPATH: path };
      const { ok, report } = await shim.init({ taskRoot: fixture('python-paths'), dependencyRoot, environment, snapshot: false });
      assert.ok(ok, report['errorMessage'] as string);
      const { program, executable, ...rest } = (await shim.value({})) as Record<string, unknown>;
      assert.deepEqual(rest, { modules: ['installed', 'linked', 'by path'], entries: 1 });
      assert.equal(program, `${executable as string} installed by path`);
    }
    rmSync(dependencyRoot, { recursive: true });
  });

  it('finds native libraries in LD_LIBRARY_PATH, which was not set when the process began', async () => {
    const libraries = mkdtempSync(join(tmpdir(), 'hearth-libraries-'));
    const some = execFileSync(PYTHON, ['-c', 'import _ctypes; print(_ctypes.__file__)'], { encoding: 'utf8' }).trim();
    copyFileSync(some, join(libraries, 'libsome.so'));
    const environment = { ...ENVIRONMENT, LD_LIBRARY_PATH: `/nothing:${libraries}` };
    const snapshot = await host.fork(zygote);
    await snapshot.init({ taskRoot: fixture('python-paths'), handler: 'native.handler', environment });
    const instance = await host.instance(snapshot);
    assert.equal(await instance.value({ library: 'libsome.so' }), 'loaded');
    assert.equal(
      await instance.value({ library: 'libnothing.so' }),
      'libnothing.so: cannot open shared object file: No such file or directory',
    );
    rmSync(libraries, { recursive: true });
  });

  it('names the slowest modules, and rehearses with a sample event', async () => {
    const shim = await host.fork(zygote);
    const { report } = await shim.init({ taskRoot: fixture('python-everything'), rehearsal: '{"do": "who"}' });
    assert.equal(report['unforkable'], null);
    const slowest = report['slowestModules'] as { name: string; ms: number }[];
    assert.equal(slowest[0]?.name, 'lambda_function');
    assert.ok(slowest.length <= 10 && slowest.some((m) => m.name === 'tempfile' || m.name === 'uuid' || m.name === 'subprocess'));
    const instance = await host.instance(shim);
    assert.equal((await instance.value({ do: 'who' })).calls, 2);
  });
});
