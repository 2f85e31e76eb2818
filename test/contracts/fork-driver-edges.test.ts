import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, readdirSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { ForkDriver } from '../../src/drivers/fork/fork-driver.ts';
import { LAMBDA_ANSWER_BYTES } from '../../src/drivers/fork/options.ts';
import { InitFailure, InstanceExited } from '../../src/fleet/driver.ts';
import type { DriverInstance, DriverSnapshot } from '../../src/fleet/driver.ts';
import { encodeJsonFrame } from '../../src/runtimes/frames.ts';
import { Frame } from '../../src/runtimes/protocol.ts';
import { lookUp } from '../../src/supervisor/process-tree.ts';
import { farDeadlineMs, instanceSpec, invocation } from './driver.contract.ts';
import { abilities, behaviourSpec, openForkDriver, runtimes, type Seen } from './fork-driver-subject.ts';

const gone = (pid: number): boolean => lookUp(pid)?.gone ?? true;
const until = async (condition: () => boolean): Promise<void> => {
  while (!condition()) await sleep(5);
};
const call = (instance: DriverInstance, event: unknown) => instance.invoke(invocation(event), farDeadlineMs());
const result = async (instance: DriverInstance, event: unknown): Promise<unknown> =>
  JSON.parse((await call(instance, event)).body.toString());

for (const { language, runtime, missing } of await runtimes()) {
  describe(`fork driver: ${language}`, { skip: missing ?? (abilities.linux ? false : 'needs Linux'), timeout: 120_000 }, () => {
    let driver: ForkDriver;
    before(async () => (driver = await openForkDriver()));
    after(() => driver.close());

    const snapshotOf = async (behaviour: string, concurrency = 1): Promise<DriverSnapshot> => {
      const spec = behaviourSpec(behaviour, runtime, { scaling: { min: 0, max: null, concurrency, keepAliveMs: 0 } });
      const prepared = await driver.prepare(spec, instanceSpec());
      assert.ok(prepared.kind === 'snapshot');
      return prepared.snapshot;
    };
    const forked = async (behaviour: string, concurrency = 1, as = instanceSpec()): Promise<DriverInstance> =>
      driver.fork(await snapshotOf(behaviour, concurrency), as);

    it('passes an event and an answer of 6 MB on, whole', async () => {
      const instance = await forked('echo');
      const text = 'ä'.repeat(3 * 1024 * 1024 - 10);
      const answer = await call(instance, text);
      assert.equal(answer.errorType, null);
      assert.equal(JSON.parse(answer.body.toString()), text);
      await instance.kill();
    });

    it('turns an answer that is too long into an error, and goes on', async () => {
      const instance = await forked('large');
      const longest = await call(instance, { bytes: LAMBDA_ANSWER_BYTES - 2 });
      assert.deepEqual([longest.errorType, longest.body.length], [null, LAMBDA_ANSWER_BYTES]);
      for (const bytes of [LAMBDA_ANSWER_BYTES - 1, 20_000_000]) {
        const answer = await call(instance, { bytes });
        assert.equal(answer.errorType, 'Function.ResponseSizeTooLarge');
        assert.deepEqual(JSON.parse(answer.body.toString()), {
          errorType: 'Function.ResponseSizeTooLarge',
          errorMessage: 'Response payload size exceeded maximum allowed payload size (6291556 bytes).',
        });
      }
      assert.equal(await result(instance, { bytes: 1 }), 'x');
      await instance.kill();
    });

    it('survives collecting rubbish, many times over', async () => {
      const instance = await forked('makes-rubbish');
      for (let i = 0; i < 3; i++) assert.ok(Number(await result(instance, { rounds: 12 })) > 0);
      await instance.kill();
    });

    it('handles several invocations at once where the version says so', async () => {
      const instance = await forked('sleeps', 8);
      const order: number[] = [];
      const answers = await Promise.all([60, 40, 20].map((ms) => result(instance, { ms }).then((a) => (order.push(ms), a))));
      assert.deepEqual(answers, [{ ms: 60 }, { ms: 40 }, { ms: 20 }]);
      assert.deepEqual(order, [20, 40, 60]);
      await instance.kill();
    });

    it('passes every line of a flood on, in order', async () => {
      const as = instanceSpec();
      const instance = await forked('floods', 1, as);
      const answer = await call(instance, { lines: 20_000, length: 200 });
      await answer.logged;
      assert.equal(as.lines.length, 20_000);
      assert.ok(as.lines.every(([id, text], i) => id !== null && text.startsWith(`${i} x`) && text.length > 200));
      await instance.kill();
    });

    it('cuts a line that is too long', async () => {
      const as = instanceSpec();
      const instance = await forked('floods', 1, as);
      await (
        await call(instance, { lines: 2, length: 300_000 })
      ).logged;
      assert.deepEqual(
        as.lines.map(([, text]) => text.length),
        [262_144, 300_002 - 262_144, 262_144, 300_002 - 262_144],
      );
      await instance.kill();
    });

    it('keeps no file of what a runtime said before it had started', async () => {
      const runDirectory = mkdtempSync(join(process.getuid?.() === 0 ? '/run' : tmpdir(), 'hearth-test-'));
      const other = await openForkDriver({ runDirectory });
      for (let i = 0; i < 2; i++) {
        await (await other.start(behaviourSpec('echo', runtime), instanceSpec())).kill();
        assert.equal(await other.evictRuntimes(), 1);
      }
      const left = readdirSync(runDirectory).filter((name) => name.startsWith(`${language}-`));
      await other.close();
      assert.deepEqual(left, []);
    });

    it('starts from another runtime when the one that was to be forked is killed', async () => {
      await driver.evictRuntimes();
      const first = await driver.start(behaviourSpec('echo', runtime), instanceSpec());
      const zygotes = await driver.runtimes();
      const starting = driver.start(behaviourSpec('echo', runtime), instanceSpec());
      for (const { pid } of zygotes) process.kill(pid, 'SIGKILL'); // which is known only when the order is out
      const second = await starting;
      assert.equal(second.rung, 'disk');
      assert.equal(await result(second, 2), 2);
      await Promise.all([first.kill(), second.kill()]);
    });

    it('confines an instance', async () => {
      const snapshot = await snapshotOf('looks-around');
      const [one, two] = await Promise.all([driver.fork(snapshot, instanceSpec()), driver.fork(snapshot, instanceSpec())]);
      const secret = ['/root/.bashrc', '/root/.ssh'].find((path) => existsSync(path)) ?? '/root/nothing';
      const first = (await result(one, { write: '/tmp/mark', exists: [secret, '/tmp/mark'] })) as Seen;
      const second = (await result(two, { exists: ['/tmp/mark'] })) as Seen;
      assert.equal(first.capabilities, '0000000000000000');
      assert.equal(first.noNewPrivs, '1');
      assert.ok(first.session);
      assert.equal(first.cpus, /^Cpus_allowed_list:\s*(\S+)/m.exec(readFileSync('/proc/self/status', 'latin1'))![1]);
      if (abilities.ids !== null) assert.ok(first.uid >= abilities.ids.base);
      if (abilities.noUserNamespaces === null) {
        assert.deepEqual([first.exists, second.exists], [[false, true], [false]], 'a private /tmp, and no home of ours');
        assert.match(first.hostname, /^looks-around-[0-9a-f-]{12}$/);
        assert.notEqual(first.hostname, second.hostname);
      }
      assert.ok(!first.environment.some((name) => name.startsWith('HEARTH')));
      assert.notEqual(first.random, second.random);
      await Promise.all([one.kill(), two.kill(), snapshot.evict()]);
    });

    it('gives a temporary directory of its own where /tmp can not be private, and removes it', async () => {
      const other = await openForkDriver({ abilities: { ...abilities, noUserNamespaces: 'not today' } });
      const prepared = await other.prepare(behaviourSpec('looks-around', runtime), instanceSpec());
      assert.ok(prepared.kind === 'snapshot');
      const instance = await other.fork(prepared.snapshot, instanceSpec());
      const { tmpdir } = (await result(instance, {})) as { tmpdir: string };
      assert.ok(existsSync(tmpdir));
      await result(instance, { write: `${tmpdir}/mine` });
      await instance.kill();
      assert.equal(existsSync(tmpdir), false);
      await other.close();
    });

    it('kills a daemon that an instance left, when it is killed and when it dies', async () => {
      const snapshot = await snapshotOf('starts-daemon');
      const killed = await driver.fork(snapshot, instanceSpec());
      const daemon = Number(await result(killed, {}));
      assert.equal(gone(daemon), false);
      await killed.kill();
      assert.ok(gone(daemon));
      const seconds = String(1e6 + Math.floor(Math.random() * 1e6)); // to know it by
      const dying = await driver.fork(snapshot, instanceSpec());
      await assert.rejects(call(dying, { seconds, exit: true }), InstanceExited);
      await dying.exited;
      await until(() => running('sleep', seconds) === 0);
      await snapshot.evict();
    });

    it('stops all of an instance, and continues it', async () => {
      const instance = await forked('starts-daemon');
      const daemon = Number(await result(instance, {}));
      const state = (pid: number): string => /^State:\s*(\S)/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))![1]!;
      instance.pause();
      await until(() => state(instance.pid!) === 'T' && state(daemon) === 'T');
      instance.resume();
      await until(() => state(instance.pid!) !== 'T' && state(daemon) !== 'T');
      await instance.kill();
    });

    it('says what signal ended an instance', async () => {
      const instance = await forked('hangs');
      const hanging = call(instance, {}).catch((error: unknown) => error);
      process.kill(instance.pid!, 'SIGSEGV');
      const error = await hanging;
      assert.ok(error instanceof InstanceExited);
      assert.deepEqual(error.status, { code: null, signal: 'SIGSEGV' });
    });

    it('reports the end of an instance whose snapshot is gone', async () => {
      const snapshot = await snapshotOf('exits');
      const instance = await driver.fork(snapshot, instanceSpec());
      await snapshot.evict();
      await assert.rejects(call(instance, { code: 9 }), (error: InstanceExited) => error.status.code === 9);
    });

    it('loses one instance to a signal, and no other', async () => {
      const snapshot = await snapshotOf('echo');
      const [one, two] = await Promise.all([driver.fork(snapshot, instanceSpec()), driver.fork(snapshot, instanceSpec())]);
      assert.equal(await result(two, 1), 1);
      process.kill(one.pid!, 'SIGKILL');
      assert.deepEqual(await one.exited, { code: null, signal: 'SIGKILL' });
      assert.equal(await result(two, 2), 2);
      await Promise.all([two.kill(), snapshot.evict()]);
    });

    it('restarts what a dead supervisor took along', async () => {
      const other = await openForkDriver();
      const instance = await other.start(behaviourSpec('echo', runtime), instanceSpec());
      const supervisor = Number(execFileSync('ps', ['-o', 'ppid=', '-p', String(lookUp(instance.pid!)!.parent)]).toString());
      process.kill(supervisor, 'SIGKILL');
      assert.equal((await instance.exited).signal, 'SIGKILL');
      const again = await other.start(behaviourSpec('echo', runtime), instanceSpec());
      assert.equal(await result(again, 1), 1);
      await other.close();
      assert.ok(gone(again.pid!));
    });
  });
}

/** How many processes run with exactly this command line. */
function running(...argv: string[]): number {
  return readdirSync('/proc').filter((pid) => {
    try {
      return /^\d+$/.test(pid) && readFileSync(`/proc/${pid}/cmdline`, 'latin1') === `${argv.join('\u0000')}\u0000`;
    } catch {
      return false;
    }
  }).length;
}

describe('fork driver: who is let in', { timeout: 30_000 }, () => {
  const ended = (path: string, bytes: Buffer): Promise<void> =>
    new Promise((resolve) => {
      const socket = connect(path, () => socket.write(bytes));
      socket.on('error', () => {}).on('close', () => resolve());
    });

  it('shows out whoever has no token, speaks garbage, or keeps silent', async () => {
    const runDirectory = `/tmp/hearth-test-${process.pid}`;
    const driver = await openForkDriver({ runDirectory, greetingMs: 50 });
    const hello = { protocol: 1, token: 'x', pid: 1, runtime: 'node/20', capabilities: [], unconfined: [] };
    for (const bytes of [
      encodeJsonFrame(Frame.hello, 0, hello),
      Buffer.from('GET / HTTP/1.1\r\n\r\n'),
      Buffer.alloc(0),
      encodeJsonFrame(Frame.answerEnd, 1, {}),
    ]) {
      await ended(`${runDirectory}/main`, bytes);
    }
    for (const bytes of [Buffer.from('no such token\nhello\n'), Buffer.alloc(1_000, 'x'), Buffer.alloc(0)])
      await ended(`${runDirectory}/log`, bytes);
    await driver.close();
    assert.equal(existsSync(runDirectory), false);
  });

  it('refuses a directory that is too long for a socket', async () => {
    await assert.rejects(openForkDriver({ runDirectory: `/tmp/${'x'.repeat(120)}` }), /too long/);
  });

  it('fails an unknown interpreter as an init phase that says what was found', async () => {
    const driver = await openForkDriver();
    await assert.rejects(driver.start(behaviourSpec('echo', 'nodejs4.x'), instanceSpec()), (error: InitFailure) => {
      assert.ok(error instanceof InitFailure);
      assert.match(error.body.toString(), /nodejs4\.x needs Node\.js 4.*found: .*node/);
      return true;
    });
    assert.equal(driver.supports('java21'), false);
    await driver.close();
  });
});
