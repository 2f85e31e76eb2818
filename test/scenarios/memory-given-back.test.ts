import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, describe, it } from 'node:test';
import { Host, invoke } from './node-shim-host.ts';
import { fixture, ShimHost } from './python-shim-host.ts';
import { until } from './until.ts';

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

describe('what a call worked with is given back once its instance rests', { skip: whyNot(), timeout: 60_000 }, () => {
  const closing: (() => Promise<void>)[] = [];
  after(async () => {
    for (const close of closing) await close();
  });

  it('by Node.js', async () => {
    const host = await Host.start();
    closing.push(() => host.close());
    const snapshot = await host.fork(await host.zygote());
    await host.initialise(snapshot, 'node-lambda', { handler: 'index.heavy' });
    const instance = await host.instance(snapshot);
    const before = anonymousMb(instance.hello.pid);
    const { end } = await invoke(instance, {});
    assert.ok(end !== null && end.peakMemoryBytes / 1e6 > before + 100, 'the call did not need what it was to need');
    await until(() => anonymousMb(instance.hello.pid) < before + MOST_KEPT_MB);
  });

  it('by Python', async () => {
    const host = await ShimHost.open();
    closing.push(() => host.close());
    const snapshot = await host.fork(await host.zygote());
    await snapshot.init({ taskRoot: fixture('python-heavy') });
    const instance = await host.instance(snapshot);
    const before = anonymousMb(instance.hello.pid);
    assert.equal(await instance.value({}), 1_600);
    await until(() => anonymousMb(instance.hello.pid) < before + MOST_KEPT_MB);
  });
});
