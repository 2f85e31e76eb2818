import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ForkDriver } from '../../src/drivers/fork/fork-driver.ts';
import type { DriverInstance, DriverSnapshot, Prepared } from '../../src/fleet/driver.ts';
import { farDeadlineMs, instanceSpec, invocation } from './driver.contract.ts';
import { abilities, behaviourSpec, openForkDriver, runtimes } from './fork-driver-subject.ts';

/** What forbids forking, by what the function leaves, and the reason it is given. */
const FORBIDS: Readonly<Record<string, readonly [string, RegExp][]>> = {
  node: [
    ['lock', /^init holds a lock on \/tmp\/locked, which an instance would either lose or share \(take it in the handler\)$/],
    ['record_lock', /^init holds a lock on \/tmp\/locked, which an instance would either lose or share \(take it in the handler\)$/],
    ['memory', /^init mapped memory that all instances would share and could write to \(anonymous; map it in the handler\)$/],
    ['pipe', /^init left a pipe open, which all instances would share \(open it in the handler\)$/],
    ['alarm', /^init left a timer of the system running, which a fork would lose \(set it in the handler\)$/],
    [
      'connection',
      /^init left 1 socket open \(listening on port \d+\), which all instances would share \(connect in the handler, or close in a/,
    ],
  ],
  python: [
    ['lock', /^init holds a lock on \/tmp\/locked, .*: take it in the handler$/],
    ['record_lock', /^init holds a lock on \/tmp\/locked, .*: take it in the handler$/],
    ['memory', /^init mapped memory that all instances would share and could write to \(anonymous\): .* in the handler$/],
    ['pipe', /^init left a pipe open, which all instances would share: .* in the handler$/],
    ['alarm', /^init left a timer running \(signal\.alarm, setitimer or timer_create\), .*: set it in the handler$/],
  ],
};

/** What a GPU's driver would make, led to nothing. */
const DEVICE = `/dev/nvidia-of-a-test-${process.pid}`;
const KOFFI = createRequire(import.meta.url).resolve('koffi');

/** Why no device can be made here, or null when it was. */
function makeDevice(): string | null {
  try {
    execFileSync('mknod', ['-m', '666', DEVICE, 'c', '1', '3'], { stdio: 'pipe' });
    return null;
  } catch (error) {
    return `no device can be made here: ${(error as Error).message}`;
  }
}

for (const { language, runtime, missing } of await runtimes()) {
  describe(`what init leaves: ${language}`, { skip: missing ?? (abilities.linux ? false : 'needs Linux'), timeout: 60_000 }, () => {
    let driver: ForkDriver;
    before(async () => (driver = await openForkDriver()));
    after(() => driver.close());

    const prepare = (leaves: string): Promise<Prepared> =>
      driver.prepare(behaviourSpec('leaves', runtime, { environment: { LEAVES: leaves, DEVICE, KOFFI } }), instanceSpec());
    const snapshotOf = async (leaves: string): Promise<DriverSnapshot> => {
      const prepared = await prepare(leaves);
      assert.ok(prepared.kind === 'snapshot', prepared.kind === 'instance' ? prepared.reason : '');
      return prepared.snapshot;
    };
    const fork = (snapshot: DriverSnapshot): Promise<DriverInstance> => driver.fork(snapshot, instanceSpec());
    const call = async (instance: DriverInstance): Promise<unknown> =>
      JSON.parse((await instance.invoke(invocation({}), farDeadlineMs())).body.toString());
    const once = async (leaves: string): Promise<unknown> => {
      const snapshot = await snapshotOf(leaves);
      const instance = await fork(snapshot);
      const answer = await call(instance);
      await Promise.all([instance.kill(), snapshot.evict()]);
      return answer;
    };

    for (const [leaves, reason] of FORBIDS[language]!) {
      it(`${leaves}: not forked, and says why`, async () => {
        const prepared = await prepare(leaves);
        assert.ok(prepared.kind === 'instance');
        assert.match(prepared.reason, reason);
        assert.ok(await call(prepared.instance), 'it works, and what it held it still holds');
        await prepared.instance.kill();
      });
    }

    it('the GPU: not forked, and says why', async (t) => {
      const refused = makeDevice();
      if (refused !== null) return t.skip(refused);
      try {
        const prepared = await prepare('device');
        assert.ok(prepared.kind === 'instance');
        assert.match(
          prepared.reason,
          /^init opened the GPU \(CUDA\), which does not survive a fork.* in the handler, or keep models on the CPU/,
        );
        assert.equal(await call(prepared.instance), 'opened');
        await prepared.instance.kill();
      } finally {
        rmSync(DEVICE);
      }
    });

    it('an open file: each instance reads on from where init was, whatever others read', async () => {
      const snapshot = await snapshotOf('file');
      const [one, two] = [await fork(snapshot), await fork(snapshot)];
      assert.deepEqual(
        [await call(one), await call(one), await call(two), await call(one), await call(two)],
        ['two', 'six', 'two', 'ten', 'six'],
      );
      const later = await fork(snapshot);
      assert.equal(await call(later), 'two');
      await Promise.all([one.kill(), two.kill(), later.kill(), snapshot.evict()]);
    });

    it('clocks: all have gone on while the snapshot waited', async () => {
      const snapshot = await snapshotOf(language === 'node' ? 'time' : 'clock');
      const waitedMs = 120;
      await sleep(waitedMs);
      const instance = await fork(snapshot);
      const { passed, origin } = (await call(instance)) as { passed: number[]; origin: number };
      for (const ms of passed) assert.ok(ms >= waitedMs - 2 && ms < 60_000, String(passed));
      assert.ok(Math.max(...passed) - Math.min(...passed) < 1_000, 'they agree');
      assert.ok(Math.abs(origin) < 1_000);
      await Promise.all([instance.kill(), snapshot.evict()]);
    });

    if (language === 'node') {
      it('signal handlers and file watchers do not forbid it', async () => {
        assert.deepEqual([await once('signals'), await once('watch')], ['listening', 'watched']);
      });

      it('timers: one that came due while the snapshot waited fires once, in each instance by itself', async () => {
        const snapshot = await snapshotOf('timers');
        await sleep(60);
        const instances = [await fork(snapshot), await fork(snapshot)];
        for (const instance of instances) assert.deepEqual(await call(instance), { fired: 1, ticks: 0 });
        await Promise.all([...instances.map((i) => i.kill()), snapshot.evict()]);
      });
    } else {
      it('an event loop of asyncio is taken up again, with its timers', async () => {
        const snapshot = await snapshotOf('loop');
        const instances = [await fork(snapshot), await fork(snapshot)];
        assert.deepEqual(await Promise.all(instances.map(call)), [1, 1]);
        assert.equal(await call(instances[0]!), 1);
        await Promise.all([...instances.map((i) => i.kill()), snapshot.evict()]);
      });

      it('a file that is mapped to be read does not forbid it', async () => {
        assert.equal(await once('mapped_file'), 'one');
      });
    }
  });
}
