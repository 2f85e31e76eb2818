import assert from 'node:assert/strict';
import { chmodSync, cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { ForkDriver } from '../../src/drivers/fork/fork-driver.ts';
import type { DriverInstance } from '../../src/fleet/driver.ts';
import { systemClock } from '../../src/lib/clock.ts';
import type { Catalogue } from '../../src/runtimes/catalogue.ts';
import { farDeadlineMs, instanceSpec, invocation } from './driver.contract.ts';
import { abilities, behaviourSpec, catalogue, openForkDriver, runtimes, type Seen } from './fork-driver-subject.ts';

/** Where each shim says whether its process can be forked, and how one says that it can't. */
const SAYS = {
  node: { file: 'node/fork.cjs', can: "return process.platform === 'linux' &&", cant: "return false && process.platform === 'linux' &&" },
  python: { file: 'python/_hearth/forker.py', can: 'return sys.platform', cant: 'return False and sys.platform' },
};

for (const { language, runtime, missing } of await runtimes()) {
  describe(
    `where no process can be forked: ${language}`,
    { skip: missing ?? (abilities.linux ? false : 'needs Linux'), timeout: 60_000 },
    () => {
      const shims = mkdtempSync(join(process.getuid?.() === 0 ? '/run' : tmpdir(), 'hearth-shims-'));
      const warnings: string[] = [];
      const warn = (message: string) => void warnings.push(message);
      let aheadMs = 0;
      const clock = { ...systemClock, monotonic: () => systemClock.monotonic() + aheadMs };
      let driver: ForkDriver;
      before(async () => {
        cpSync(fileURLToPath(new URL('../../../shims', import.meta.url)), shims, { recursive: true });
        say('cant');
        driver = await openForkDriver({ shims, warn, clock });
      });
      after(async () => {
        await driver.close();
        rmSync(shims, { recursive: true });
      });

      function say(what: 'can' | 'cant'): void {
        const { file, can, cant } = SAYS[language];
        const text = readFileSync(join(shims, file), 'utf8').replace(cant, can);
        assert.ok(text.includes(can));
        writeFileSync(join(shims, file), what === 'can' ? text : text.replace(can, cant));
      }

      const spec = () => behaviourSpec('looks-around', runtime, { functionId: 'f-spawned' });
      const secret = ['/root/.bashrc', '/root/.ssh'].find((path) => existsSync(path)) ?? '/root/nothing';

      it('an instance is confined as one that is forked from a zygote is', async () => {
        const ordinary = await openForkDriver();
        const forked = await ordinary.start(spec(), instanceSpec());
        const prepared = await driver.prepare(spec(), instanceSpec());
        assert.ok(prepared.kind === 'instance');
        assert.equal(prepared.passing, true);
        assert.match(prepared.reason, /can't be forked on this machine; that is tried again in 1 min$/);
        assert.equal(prepared.instance.init?.unforkable, prepared.reason);
        assert.deepEqual(await confinement(prepared.instance, secret), await confinement(forked, secret));
        const next = await driver.start(spec(), instanceSpec());
        assert.deepEqual(await confinement(next, secret), await confinement(forked, secret));
        await Promise.all([prepared.instance.kill(), next.kill(), forked.kill()]);
        await ordinary.close();
        const said = warnings.filter((message) => message.includes('each instance has an init phase of its own until it can'));
        assert.equal(said.length, 1, warnings.join('\n'));
        assert.equal(driver.gaps().length, language === 'node' ? 1 : 0, 'custom runtimes are forked from Node.js');
      });

      it('says what it lacks where that takes privileges', async () => {
        const lacking = await openForkDriver({ shims, warn, abilities: { ...abilities, root: false, ids: null, noMounts: 'no' } });
        const prepared = await lacking.prepare(spec(), instanceSpec());
        assert.ok(prepared.kind === 'instance');
        const { seen } = await confinement(prepared.instance, secret);
        assert.deepEqual([seen.noNewPrivs, seen.capabilities], ['1', '0000000000000000']);
        const gap = /^functions whose processes can't be forked run without a part of their sandbox: private \/tmp/;
        const says = language === 'node' && abilities.noUserNamespaces === null;
        assert.deepEqual([warnings.some((message) => gap.test(message)), lacking.gaps().some((line) => gap.test(line))], [says, says]);
        await prepared.instance.kill();
        await lacking.close();
      });

      it('tries again a minute later', async () => {
        say('can');
        const before = await driver.start(spec(), instanceSpec());
        assert.equal(before.rung, 'disk');
        aheadMs += 60_000;
        const prepared = await driver.prepare(spec(), instanceSpec());
        assert.ok(prepared.kind === 'snapshot');
        assert.deepEqual(driver.gaps(), []);
        await Promise.all([before.kill(), prepared.snapshot.evict()]);
      });

      it('tries again once the runtimes were dropped', async () => {
        say('cant');
        await driver.evictRuntimes();
        const plain = await driver.prepare(spec(), instanceSpec());
        assert.equal(plain.kind, 'instance');
        say('can');
        await driver.evictRuntimes();
        const prepared = await driver.prepare(spec(), instanceSpec());
        assert.equal(prepared.kind, 'snapshot');
      });

      it('keeps to its reason although the machine can fork again by the time that the process has greeted', async () => {
        const real = await catalogue.resolve(runtime);
        const [interpreter, go] = [join(shims, 'interpreter'), join(shims, 'go')];
        const wait = `[ -n "$HEARTH_CONFINE" ] && while [ ! -e ${go} ]; do sleep 0.01; done`; // who is no zygote
        writeFileSync(interpreter, `#!/bin/sh\n${wait}\nexec ${real.path} "$@"\n`);
        chmodSync(interpreter, 0o755);
        const slow = { resolve: async () => ({ ...real, path: interpreter }), known: () => [] } as unknown as Catalogue;
        let later = 0;
        const said: string[] = [];
        const waiting = await openForkDriver({
          shims,
          catalogue: slow,
          clock: { ...systemClock, monotonic: () => systemClock.monotonic() + later },
          warn: (message) => said.push(message),
        });
        say('cant');
        const preparing = waiting.prepare(spec(), instanceSpec());
        while (said.length === 0) await turn();
        say('can');
        later = 60_000;
        const forked = await waiting.start(spec(), instanceSpec());
        assert.deepEqual(waiting.gaps(), []);
        say('cant');
        writeFileSync(go, '');
        const prepared = await preparing;
        assert.ok(prepared.kind === 'instance');
        assert.match(prepared.reason, /can't be forked on this machine/);
        await forked.kill();
        await waiting.close();
      });
    },
  );
}

/** What a process sees of itself and its machine, and what its threads may. */
async function confinement(instance: DriverInstance, secret: string) {
  const { body } = await instance.invoke(invocation({ exists: [secret] }), farDeadlineMs());
  const { uid, capabilities, noNewPrivs, cpus, session, hostname, tmp, exists, environment } = JSON.parse(body.toString()) as Seen;
  const own = (kind: string) => readlinkSync(`/proc/${instance.pid}/ns/${kind}`) !== readlinkSync(`/proc/self/ns/${kind}`);
  const status = (thread: string) => readFileSync(`/proc/${instance.pid}/task/${thread}/status`, 'latin1');
  const threads = readdirSync(`/proc/${instance.pid}/task`).map((thread) =>
    ['Uid', 'CapEff', 'CapPrm', 'CapInh', 'CapBnd', 'NoNewPrivs']
      .map((field) => new RegExp(`^${field}:.*$`, 'm').exec(status(thread))?.[0])
      .join(),
  );
  return {
    seen: { uid, capabilities, noNewPrivs, cpus, session, hostname, tmp, exists, environment: environment.toSorted() },
    limits: readFileSync(`/proc/${instance.pid}/limits`, 'latin1').replace(/^Max (pending signals|processes).*$/gm, ''),
    namespaces: ['mnt', 'ipc', 'uts', 'user'].map(own),
    threads: [...new Set(threads)],
  };
}
