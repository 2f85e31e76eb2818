import assert from 'node:assert/strict';
import { readFileSync, realpathSync } from 'node:fs';
import { connect } from 'node:net';
import { dirname } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { confinedPrograms } from '../../src/composition/programs.ts';
import { ExecDriver } from '../../src/drivers/exec/exec-driver.ts';
import { CollectedLog, invocation, openExecDriver, startSpec, type OpenedExecDriver } from '../../src/drivers/exec/testing/fixtures.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { mostCoreBytes } from '../../src/sandbox/rlimits.ts';
import { execDriverContract, LIMIT, noCurl } from './exec-driver.contract.ts';
import { streamContract } from './stream.contract.ts';
import { abilities, catalogue, openForkDriver } from './fork-driver-subject.ts';

/** Its bit in a set of signals. */
const SIGPIPE = 1n << 12n;

const neverPlain = {
  spawn: () => Promise.reject(new Error('started unconfined')),
  killTree: () => Promise.resolve(),
};

/** Whether functions have users of their own. */
const owned = abilities.root && abilities.ids !== null;

/** As a server has it: every program is confined, by a fork driver of its own. */
async function openConfined(): Promise<OpenedExecDriver> {
  await Promise.all([catalogue.list('node'), catalogue.list('python')]); // as a server does at its start
  const fork = await openForkDriver();
  const driver = new ExecDriver({ spawner: confinedPrograms(fork, neverPlain, () => {}), clock: systemClock, payloadBytes: LIMIT });
  return {
    driver,
    async close() {
      await driver.close();
      await fork.close();
    },
  };
}

execDriverContract('plain', async () => openExecDriver(LIMIT));

const provided = fileURLToPath(new URL('../../../test/functions/provided-node', import.meta.url));
streamContract('exec', {
  async start() {
    const { driver, close } = openExecDriver(LIMIT);
    const instance = await driver.start(startSpec(provided), { instanceId: 'i', logStream: 's', log: new CollectedLog() });
    return { instance, close };
  },
  event: (does) => ({ do: 'stream', ...does }),
  settle: (promise) => promise,
  skips: {
    'an error before the first piece leaves nothing begun': 'a runtime says what it failed of after the headers, or not as a stream',
  },
});

const noForks = process.platform !== 'linux' && 'forking needs Linux';
if (noForks === false) execDriverContract('confined', openConfined);

describe('custom runtimes are confined', { timeout: 60_000, skip: noForks }, () => {
  let opened: OpenedExecDriver;
  before(async () => (opened = await openConfined()));
  after(() => opened.close());

  const folder = fileURLToPath(new URL('../../../test/functions/provided-world', import.meta.url));
  const PATH = [dirname(realpathSync(process.execPath)), '/usr/local/bin:/usr/bin:/bin'].join(':');
  async function world(functionId: string, event: unknown = {}): Promise<any> {
    const spec = startSpec(folder, { functionId, environment: { PATH } });
    const log = new CollectedLog();
    const instance = await opened.driver.start(spec, { instanceId: `i-${functionId}`, logStream: 's', log });
    const { errorType, body } = await instance.invoke(invocation(event), Date.now() + 10_000);
    assert.equal(errorType, null, body.toString());
    return JSON.parse(body.toString()) as unknown;
  }

  it('has its own session, limits, no privileges to gain and none of the server’s descriptors', async () => {
    const seen = await world('f-1');
    assert.equal(seen.session, seen.pid, 'its own session');
    assert.equal(seen.noNewPrivs, '1');
    assert.equal(seen.capabilities, '0000000000000000');
    assert.equal(seen.files, '1024');
    // In blocks of 512 bytes.
    const allowed = Math.min(10_737_418_240, mostCoreBytes(readFileSync('/proc/self/limits', 'utf8')));
    assert.equal(seen.cores, abilities.ids === null ? '0' : String(Math.floor(allowed / 512)));
    assert.deepEqual(seen.descriptors.filter((one: string) => /socket/.test(one)).length, 2, 'stdout and stderr');
    assert.equal(seen.environment.HEARTH_SOCKET, undefined);
  });

  it('does not ignore SIGPIPE, as Node.js does: a program that writes to a closed pipe ends', { skip: noCurl }, async () => {
    const shell = fileURLToPath(new URL('../../../test/functions/provided-shell', import.meta.url));
    const spec = startSpec(shell, { functionId: 'f-3' });
    const instance = await opened.driver.start(spec, { instanceId: 'i-3', logStream: 's', log: new CollectedLog() });
    const [, ignored] = /^SigIgn:\s+(\w+)$/m.exec(readFileSync(`/proc/${instance.pid}/status`, 'latin1')) ?? [];
    assert.equal(BigInt(`0x${ignored}`) & SIGPIPE, 0n);
  });

  it('has its own /tmp and host name', { skip: (abilities.root ? abilities.noMounts : abilities.noUserNamespaces) ?? false }, async () => {
    const [one, two] = await Promise.all([world('f-1', { write: 'one' }), world('f-2', { write: 'two' })]);
    // A clone beneath /tmp is on the way to the function's code, and so to be seen.
    const own = (names: string[]) => names.filter((name) => !import.meta.filename.startsWith(`/tmp/${name}/`));
    assert.deepEqual([own(one.temporary), own(two.temporary)], [['one'], ['two']]);
    assert.equal(one.hostname, 'demo');
  });

  it('answers nobody but its own user, who finds the port of its Runtime API', { skip: !owned && 'the server is not root' }, async () => {
    const spec = startSpec(fileURLToPath(new URL('../../../test/functions/provided-node', import.meta.url)), {
      functionId: 'f-4',
      environment: { PATH },
    });
    const instance = await opened.driver.start(spec, { instanceId: 'i-4', logStream: 's', log: new CollectedLog() });
    const [, api] = /(?:^|\0)AWS_LAMBDA_RUNTIME_API=([^\0]+)/.exec(readFileSync(`/proc/${instance.pid}/environ`, 'latin1')) ?? [];
    for (const family of [4, 6] as const) {
      const socket = connect({ host: family === 4 ? '127.0.0.1' : '::ffff:127.0.0.1', port: Number(api!.split(':')[1]) });
      socket.on('error', () => {}); // cut off
      socket.write('GET /2018-06-01/runtime/invocation/next HTTP/1.1\r\nHost: x\r\n\r\n');
      const stolen = socket.toArray().catch(() => []);
      const { body } = await instance.invoke(invocation({ secret: family }), Date.now() + 10_000);
      assert.deepEqual(JSON.parse(body.toString()), { secret: family });
      assert.deepEqual(await stolen, []);
    }
  });

  it('is a user of its own', { skip: !owned && 'the server is not root' }, async () => {
    const [one, two] = await Promise.all([world('f-1'), world('f-2')]);
    assert.notEqual(one.uid, 0);
    assert.notEqual(one.uid, two.uid);
    assert.equal(one.groups, String(one.uid));
  });
});
