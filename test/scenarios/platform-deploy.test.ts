import assert from 'node:assert/strict';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import {
  GetFunctionConfigurationCommand,
  LambdaClient,
  UpdateFunctionConfigurationCommand,
  waitUntilFunctionUpdatedV2,
} from '@aws-sdk/client-lambda';
import { DeployError } from '../../src/client/errors.ts';
import { hearth } from '../../src/cli/testing/run-hearth.ts';
import { RUNTIME_NAMES } from '../../src/model/runtime-names.ts';
import { descendants, processOf } from './leavings.ts';
import { handlerOf, languages, ROOT, TestServer } from './platform-server.ts';
import { tell, type Told } from './told.ts';
import { until } from './until.ts';
import { clientOptions } from './server-credentials.ts';

let server: TestServer;
let work: string;
let lambda: LambdaClient;

before(async () => {
  server = await TestServer.start();
  work = mkdtempSync(join(tmpdir(), 'hearth-scenario-work-'));
  lambda = new LambdaClient(clientOptions(server));
});

after(async () => {
  lambda.destroy();
  rmSync(work, { recursive: true, force: true });
  assert.deepEqual(await server.end(), []);
  assert.deepEqual(
    descendants(process.pid).filter((p) => p.state !== 'Z'),
    [],
  );
});

test('a function that another project of this machine has, too, is taken with a warning; one that was moved without', async () => {
  const [node] = await languages();
  const project = (name: string, says: string): string => {
    const folder = join(work, name);
    mkdirSync(folder);
    const code = `exports.handler = async () => ${JSON.stringify(says)};`;
    writeFileSync(join(folder, 'index.js'), code);
    const yaml = `functions:\n  api:\n    runtime: ${node?.runtime}\n    handler: index.handler\n`;
    for (const file of ['hearth.yaml', 'other.yaml']) writeFileSync(join(folder, file), yaml);
    return folder;
  };
  const deploy = async (cwd: string, ...more: string[]): Promise<string> => {
    const env = { HEARTH_HOME: server.home, HEARTH_ENDPOINT: server.endpoint };
    const { code, stderr } = await hearth(['deploy', ...more], { cwd, env });
    assert.equal(code, 0, stderr);
    return stderr;
  };
  const warned = (of: string): RegExp =>
    new RegExp(`warning: api: it has taken the place of the function of that name in ${join(of, 'hearth.yaml')}, .*another name`);
  const [one, two, same] = [project('one', 'one'), project('two', 'two'), project('same', 'two')];
  assert.doesNotMatch(await deploy(one), /taken the place/);
  assert.match(await deploy(two), warned(one));
  assert.doesNotMatch(await deploy(two), /taken the place/);
  assert.equal((await server.call('api', {})).value, 'two');
  // The same code and configuration: nothing was taken.
  assert.doesNotMatch(await deploy(same), /taken the place/);
  assert.match(await deploy(one), warned(same));
  writeFileSync(join(one, 'index.js'), `exports.handler = async () => 'changed';`);
  assert.doesNotMatch(await deploy(one, '-f', 'other.yaml'), /taken the place/);
  const moved = join(work, 'moved');
  renameSync(one, moved);
  writeFileSync(join(moved, 'index.js'), `exports.handler = async () => 'moved';`);
  assert.doesNotMatch(await deploy(moved), /taken the place/);
  writeFileSync(join(moved, 'hearth.yaml'), readFileSync(join(moved, 'hearth.yaml'), 'utf8').replace('api:', 'renamed:'));
  assert.doesNotMatch(await deploy(two), /taken the place/);
});

/** Calls a function without a pause, some at once, until it is stopped; every call must be answered. */
function calling(name: string, atOnce = 4): { answers: Told[]; stop(): Promise<string[]> } {
  const answers: Told[] = [];
  const requestIds: string[] = [];
  const state = { going: true };
  const loop = async (): Promise<void> => {
    while (state.going) {
      const told = await tell(server, name, { ms: 5 });
      answers.push(told);
      requestIds.push(told.answer.requestId ?? '');
    }
  };
  const loops = Promise.all(Array.from({ length: atOnce }, loop));
  const stop = async (): Promise<string[]> => {
    state.going = false;
    await loops;
    return requestIds;
  };
  return { answers, stop };
}

/** Breaks the init phase of a copy of test/functions/tells. */
function breakInit(folder: string): void {
  writeFileSync(join(folder, 'index.mjs'), 'throw new Error("no way");\n');
  writeFileSync(join(folder, 'lambda_function.py'), 'raise RuntimeError("no way")\n');
}

for (const { language, runtime, skip } of await languages()) {
  describe(`a deploy under calls, ${language}`, { skip }, () => {
    const name = `rolls-${language}`;
    const manifest = (TEXT: string) => ({ runtime, handler: handlerOf(language), timeoutSeconds: 20, environment: { TEXT } });
    const folder = (): string => join(work, name);

    test('no caller waits for an init phase, none fails, and the old one goes', async () => {
      cpSync(join(ROOT, 'test/functions/tells'), folder(), { recursive: true });
      await server.deploy(name, folder(), manifest('one'));
      const stream = calling(name);
      await until(() => stream.answers.length > 20);
      const old = await server.client.resident(name);
      for (const text of ['two', 'three']) {
        await server.deploy(name, folder(), manifest(text));
        await until(() => stream.answers.at(-1)?.text === text);
      }
      const requestIds = await stream.stop();
      const texts = stream.answers.map((a) => a.text);
      assert.deepEqual([...new Set(texts)], ['one', 'two', 'three']);
      const records = (await server.client.usageRecords({ functionName: name, limit: 10_000 })).filter((u) =>
        requestIds.includes(u.requestId),
      );
      assert.equal(records.length, requestIds.length);
      assert.deepEqual(
        records.filter((u) => u.initMs !== null || u.outcome !== 'ok'),
        [],
      );
      const pids = [...old.instances, ...old.snapshots].map((p) => p.pid);
      assert.ok(pids.length >= 2);
      await until(() => pids.every((pid) => processOf(pid) === null));
    });

    test('whose init phase fails changes nothing: the deploy says so, Lambda’s API too, and the old one serves on', async () => {
      const { revisionId } = (await server.client.functions()).find((f) => f.name === name)!;
      breakInit(folder());
      const stream = calling(name);
      const broken = { ...manifest('broken'), triggers: [{ schedule: { everySeconds: 10 } }] };
      await assert.rejects(server.deploy(name, folder(), broken), (error: unknown) => {
        assert.ok(error instanceof DeployError, String(error));
        assert.equal(error.errorType, 'InitFailed');
        assert.match(error.message, /^the init phase failed: .*no way.*Nothing was changed: what served before serves on\.$/s);
        return true;
      });
      const requestIds = await stream.stop();
      assert.ok(requestIds.length > 0);
      assert.deepEqual([...new Set(stream.answers.map((a) => a.text))], ['three']);
      const state = await lambda.send(new GetFunctionConfigurationCommand({ FunctionName: name }));
      assert.deepEqual(
        [state.State, state.LastUpdateStatus, state.LastUpdateStatusReasonCode, state.RevisionId, state.Environment?.Variables?.['TEXT']],
        ['Active', 'Failed', 'FunctionError.RuntimeInitError', revisionId, 'three'],
      );
      assert.match(state.LastUpdateStatusReason ?? '', /no way/);
      assert.deepEqual(await server.client.triggers(name), []);
    });

    test('nor does one that nothing here can run', async (t) => {
      const known = new Set((await server.client.status()).runtimes.map((r) => r.name));
      const missing = RUNTIME_NAMES.find((r) => r.startsWith(language) && !known.has(r));
      if (missing === undefined) return t.skip('every runtime is here');
      const unknown = { ...manifest('unknown'), runtime: missing };
      await assert.rejects(server.deploy(name, folder(), unknown), (error: unknown) => {
        assert.ok(error instanceof DeployError, String(error));
        assert.match(error.message, /Nothing was changed: what served before serves on\.$/);
        return true;
      });
      assert.equal((await server.client.functions()).find((f) => f.name === name)?.runtime, runtime);
      assert.equal((await tell(server, name)).text, 'three');
    });

    test('an update by Lambda’s API is InProgress until it serves', async () => {
      const updated = await lambda.send(
        new UpdateFunctionConfigurationCommand({ FunctionName: name, Environment: { Variables: { TEXT: 'four' } } }),
      );
      assert.equal(updated.LastUpdateStatus, 'InProgress');
      await waitUntilFunctionUpdatedV2({ client: lambda, maxWaitTime: 60, minDelay: 1 }, { FunctionName: name });
      const told = await tell(server, name);
      assert.equal(told.text, 'four');
      assert.ok(told.answer.coldRung === 'snapshot' || told.answer.coldRung === null, String(told.answer.coldRung));
    });
  });
}

describe('a restart', () => {
  test('brings back the snapshots of onDeploy and the minimum, before anybody calls', async () => {
    const [first] = await languages();
    const { runtime } = first!;
    const before = await TestServer.start();
    const manifest = { runtime, handler: 'index.handler' };
    await before.deploy('eager', 'tells', { ...manifest, scaling: { keepAlive: 'histogram' } });
    await before.deploy('lazy', 'tells', { ...manifest, snapshot: 'onFirstUse' });
    await before.deploy('kept', 'tells', { ...manifest, snapshot: 'onFirstUse', scaling: { min: 1 } });
    await tell(before, 'lazy');
    await before.stop();
    const again = await TestServer.start({ home: before.home });
    try {
      const of = async (name: string) => (await again.client.functions()).find((f) => f.name === name);
      await until(async () => (await of('eager'))?.resident === 'snapshot' && (await of('kept'))?.instances === 1);
      assert.deepEqual([(await of('lazy'))?.resident, (await of('lazy'))?.instances], ['nothing', 0]);
      assert.equal((await tell(again, 'eager')).answer.coldRung, 'snapshot');
      assert.equal((await tell(again, 'kept')).answer.coldRung, null);
      const shown = await hearth(['ps'], { env: { HEARTH_HOME: again.home, HEARTH_ENDPOINT: again.endpoint } });
      assert.match(shown.stdout, /eager .* snapshot +(in use|for \d+ min) +fixed, learning: 0 of 3 idle times/);
      assert.match(shown.stdout, /kept .* snapshot +(in use|always) +min 1/);
    } finally {
      assert.deepEqual(await again.end(), []);
    }
  });
});

test('how much a folder may have is the configuration’s: a model may be larger than Lambda lets it', async () => {
  const small = await TestServer.start({ limits: { unpackedBytes: 10_000 } });
  try {
    const folder = join(work, 'weights');
    cpSync(join(ROOT, 'test/functions/tells'), folder, { recursive: true });
    writeFileSync(join(folder, 'weights.bin'), Buffer.alloc(10_000));
    const manifest = { runtime: 'nodejs20.x', handler: 'index.handler' };
    await assert.rejects(small.deploy('weights', folder, manifest), /Unzipped size must be smaller than 10000 bytes/);
    await server.deploy('weights', folder, manifest);
  } finally {
    assert.deepEqual(await small.end(), []);
  }
});
