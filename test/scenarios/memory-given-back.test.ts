import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, describe, it } from 'node:test';
import { Frame } from '../../src/runtimes/protocol.ts';
import { Host, invoke } from './node-shim-host.ts';
import { fixture, ShimHost } from './python-shim-host.ts';

/** What of a process's memory is in no file, MB. */
function anonymousMb(pid: number): number {
  const kb = /^RssAnon:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1];
  return (Number(kb) * 1024) / 1e6;
}

function whyNot(): string | false {
  if (process.platform !== 'linux') return 'there is no /proc';
  const { header } = process.report.getReport() as { header: { glibcVersionRuntime?: string } };
  return header.glibcVersionRuntime === undefined ? 'only glibc keeps what is free' : false;
}

/** Both work with 104 MB. */
const MOST_KEPT_MB = 30;
const NEEDED_MB = 100;

describe(
  'what a call worked with is there for the next one, and given back once the host says rest',
  { skip: whyNot(), timeout: 60_000 },
  () => {
    const closing: (() => Promise<void>)[] = [];
    after(async () => {
      for (const close of closing) await close();
    });

    it('by Node.js', async () => {
      const host = await Host.start();
      closing.push(() => host.close());
      const snapshot = await host.fork(await host.zygote());
      await host.initialise(snapshot, 'behaviours/heavy');
      const instance = await host.instance(snapshot);
      const before = anonymousMb(instance.hello.pid);
      const { end } = await invoke(instance, {});
      assert.equal(end?.heavy, true);
      assert.ok(anonymousMb(instance.hello.pid) > before + NEEDED_MB, 'the call did not need what it was to need, or it is gone');
      instance.send(Frame.rest, 0, Buffer.alloc(0));
      assert.ok(await instance.take(({ type }) => type === Frame.rested));
      assert.ok(anonymousMb(instance.hello.pid) < before + MOST_KEPT_MB);
      const { end: light } = await invoke(instance, { light: true });
      assert.notEqual(light?.heavy, true);
    });

    it('by Python', async () => {
      const host = await ShimHost.open();
      closing.push(() => host.close());
      const snapshot = await host.fork(await host.zygote());
      await snapshot.init({ taskRoot: fixture('behaviours/heavy') });
      const instance = await host.instance(snapshot);
      const before = anonymousMb(instance.hello.pid);
      assert.equal((await instance.call({})).heavy, true);
      assert.ok(anonymousMb(instance.hello.pid) > before + NEEDED_MB, 'the call did not need what it was to need, or it is gone');
      instance.connection.send(Frame.rest, 0);
      await instance.connection.next(Frame.rested);
      assert.ok(anonymousMb(instance.hello.pid) < before + MOST_KEPT_MB);
      assert.equal((await instance.call({ light: true })).heavy ?? false, false);
    });
  },
);
