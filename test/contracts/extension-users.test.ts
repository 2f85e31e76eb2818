import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { after, before, describe, it } from 'node:test';
import { confinedPrograms } from '../../src/composition/programs.ts';
import { ExecDriver } from '../../src/drivers/exec/exec-driver.ts';
import { CollectedLog, invocation, startSpec } from '../../src/drivers/exec/testing/fixtures.ts';
import { ExtendedDriver } from '../../src/drivers/extensions/extended-driver.ts';
import type { ForkDriver } from '../../src/drivers/fork/fork-driver.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { randomIds } from '../../src/lib/ids.ts';
import { abilities, catalogue, openForkDriver } from './fork-driver-subject.ts';

const NOBODY = 65_534;
const REGISTER = `
  const register = (name) => fetch('http://' + process.env.AWS_LAMBDA_RUNTIME_API + '/2020-01-01/extension/register',
    { method: 'POST', headers: { 'Lambda-Extension-Name': name }, body: '{"events":["INVOKE"]}' }).then((r) => r.status, () => 'cut off');`;

/** A custom runtime that answers with what its own registration came to. */
const BOOTSTRAP = `#!${process.execPath}
${REGISTER}
(async () => {
  const said = await register('within');
  const base = 'http://' + process.env.AWS_LAMBDA_RUNTIME_API + '/2018-06-01/runtime/invocation/';
  for (;;) {
    const next = await fetch(base + 'next');
    await next.text();
    await fetch(base + next.headers.get('lambda-runtime-aws-request-id') + '/response', { method: 'POST', body: JSON.stringify(said) });
  }
})();
`;
const EXTENSION = `#!${process.execPath}
const base = 'http://' + process.env.AWS_LAMBDA_RUNTIME_API + '/2020-01-01/extension/';
(async () => {
  const registered = await fetch(base + 'register', { method: 'POST', headers: { 'Lambda-Extension-Name': 'beside' }, body: '{"events":["INVOKE"]}' });
  const headers = { 'Lambda-Extension-Identifier': registered.headers.get('lambda-extension-identifier') };
  for (;;) await (await fetch(base + 'event/next', { headers })).text();
})();
`;

const skip = (!abilities.root || abilities.ids === null) && 'functions have no users of their own here';

describe('the Extensions API of a custom runtime', { timeout: 60_000, skip }, () => {
  let folder: string;
  let runDirectory: string;
  let fork: ForkDriver;
  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'hearth-extension-users-'));
    chmodSync(folder, 0o755);
    mkdirSync(join(folder, 'layers/extensions'), { recursive: true });
    writeFileSync(join(folder, 'bootstrap'), BOOTSTRAP, { mode: 0o755 });
    writeFileSync(join(folder, 'layers/extensions/beside'), EXTENSION, { mode: 0o755 });
    await catalogue.list('node');
    runDirectory = mkdtempSync('/run/hearth-extension-users-');
    fork = await openForkDriver({ runDirectory });
  });
  after(async () => {
    await fork.close();
    for (const made of [folder, runDirectory]) rmSync(made, { recursive: true, force: true });
  });

  for (const layersRoot of [null, 'layers'] as const)
    it(`serves its own function and no other user of the machine, ${layersRoot === null ? 'alone' : 'beside an external extension'}`, async () => {
      const spawner = confinedPrograms(fork, { spawn: () => Promise.reject(new Error('unconfined')), killTree: async () => {} }, () => {});
      let strangers: unknown = null;
      const inner = new ExecDriver({ spawner, clock: systemClock, payloadBytes: 1 << 20 });
      const start = inner.start.bind(inner);
      inner.start = async (spec, instance) => {
        strangers = await stranger(spec.environment['AWS_LAMBDA_RUNTIME_API'] ?? '');
        return start(spec, instance);
      };
      const driver = new ExtendedDriver(inner, { spawner, clock: systemClock, ids: randomIds, loopbacks: null });
      try {
        const spec = { ...startSpec(folder, { functionId: `users-${layersRoot}` }), layersRoot: layersRoot && join(folder, layersRoot) };
        const instance = await driver.start(spec, { instanceId: `users-${layersRoot}`, logStream: 's', log: new CollectedLog() });
        const { body } = await instance.invoke(invocation({}), Date.now() + 10_000);
        assert.deepEqual([JSON.parse(body.toString()), strangers], [200, 'cut off']);
      } finally {
        await driver.close();
      }
    });
});

/** What a process of another user gets that finds the port. */
async function stranger(address: string): Promise<unknown> {
  const script = `${REGISTER} register('stranger').then((said) => console.log(JSON.stringify(said)));`;
  const env = { AWS_LAMBDA_RUNTIME_API: address };
  const child = spawn(process.execPath, ['-e', script], { uid: NOBODY, gid: NOBODY, env, stdio: ['ignore', 'pipe', 'inherit'], cwd: '/' });
  const [said] = await Promise.all([text(child.stdout), once(child, 'close')]);
  return said === '' ? 'cut off' : (JSON.parse(said) as unknown); // as it connected: fetch then waits for nobody
}
