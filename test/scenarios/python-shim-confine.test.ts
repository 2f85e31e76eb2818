import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { Frame, type ConfineStep } from '../../src/runtimes/protocol.ts';
import { PYTHON, ShimHost, fixture, type Shim } from './python-shim-host.ts';

const skip =
  process.platform !== 'linux' ? 'confinement is Linux’s' : process.getuid?.() !== 0 ? 'needs root to give privileges up' : false;

describe('Python child confines itself', { skip, timeout: 60_000 }, () => {
  let host: ShimHost;
  let snapshot: Shim;
  let folder: string;

  before(async () => {
    host = await ShimHost.open();
    snapshot = await host.fork(await host.zygote());
    await snapshot.init({ taskRoot: fixture('python-everything') });
    folder = mkdtempSync(join(tmpdir(), 'hearth-mask-'));
    mkdirSync(join(folder, 'kept/deep'), { recursive: true });
    writeFileSync(join(folder, 'kept/deep/file'), 'kept');
    writeFileSync(join(folder, 'single'), 'kept');
    writeFileSync(join(folder, 'secret'), 'hidden');
  });
  after(async () => {
    await host.close();
    rmSync(folder, { recursive: true, force: true });
  });

  it('takes every step in order', async () => {
    const confine: ConfineStep[] = [
      { op: 'setsid' },
      { op: 'subreaper' },
      { op: 'unshare', namespaces: ['mount', 'ipc', 'uts'] },
      { op: 'hostname', name: 'instance' },
      {
        op: 'mask',
        target: folder,
        sizeMb: 4,
        mode: 0o1777,
        keep: [join(folder, 'kept'), join(folder, 'kept/deep'), join(folder, 'single')],
      },
      { op: 'rlimit', resource: 7, soft: 500, hard: 600 },
      { op: 'umask', mask: 0o077 },
      { op: 'affinity', cpus: [0] },
      { op: 'affinity', cpus: [] },
      { op: 'environment', name: 'ADDED', value: 'yes' },
      { op: 'ids', uid: 65534, gid: 65534 },
      { op: 'deathSignal' },
      { op: 'dropCapabilities' },
      { op: 'noNewPrivs' },
    ];
    const instance = await host.instance(snapshot, { confine });
    assert.deepEqual(instance.hello.unconfined, []);
    const status = (await instance.value({ do: 'status' })) as Record<string, string>;
    assert.equal(status['Uid'], '65534\t65534\t65534\t65534');
    assert.equal(status['Gid'], '65534\t65534\t65534\t65534');
    assert.equal(status['Groups']?.trim(), '');
    assert.equal(status['NoNewPrivs'], '1');
    for (const set of ['CapInh', 'CapPrm', 'CapEff', 'CapAmb']) assert.match(status[set] ?? '', /^0+$/);
    assert.equal(status['Umask'], '0077');
    assert.deepEqual(await instance.value({ do: 'listing', path: folder }), ['kept', 'single']);
    assert.deepEqual(await instance.value({ do: 'listing', path: join(folder, 'kept/deep') }), ['file']);
    await instance.value({ do: 'write', path: join(folder, 'mine') });
    assert.equal(existsSync(join(folder, 'mine')), false, 'the tmpfs is its own');
    const refused = await instance.call({ do: 'write', path: join(folder, 'kept/deep/file') });
    assert.ok(['OSError', 'PermissionError'].includes(refused.errorType ?? ''));
    assert.equal((await instance.value({ do: 'describe' })).environment.ADDED, 'yes');
  });

  it('keeps what is kept read-only even for root', async () => {
    const confine: ConfineStep[] = [
      { op: 'unshare', namespaces: ['mount'] },
      { op: 'mask', target: folder, sizeMb: 4, mode: 0o700, keep: [join(folder, 'kept')] },
    ];
    const instance = await host.instance(snapshot, { confine });
    const refused = await instance.call({ do: 'write', path: join(folder, 'kept/deep/file') });
    assert.equal(refused.errorType, 'OSError');
    assert.match(refused.body.toString(), /Read-only file system/);
  });

  it('masks within a user namespace, from a parent without privileges', async (t) => {
    const confineParent: ConfineStep[] = [
      ...uncoverInterpreter(),
      { op: 'ids', uid: 65534, gid: 65534 },
      { op: 'dropCapabilities' },
      { op: 'noNewPrivs' },
    ];
    const parent = await host.fork(await host.zygote(), { confine: confineParent });
    const { ok, report } = await parent.init({ taskRoot: fixture('python-everything') });
    if (!ok) return t.skip(`another uid can't read this checkout or interpreter: ${String(report['errorMessage'])}`);
    const confine: ConfineStep[] = [
      { op: 'unshare', namespaces: ['user', 'mount', 'ipc'] },
      { op: 'mask', target: '/tmp', sizeMb: 4, mode: 0o1777, keep: [] },
      { op: 'dropCapabilities' },
    ];
    const instance = await host.instance(parent, { confine });
    assert.deepEqual(await instance.value({ do: 'listing', path: '/tmp' }), []);
    assert.match((await instance.value({ do: 'status' })).CapEff, /^0+$/);
  });

  it('reports optional steps that fail, and ends on others', async () => {
    const failing = { op: 'mask', target: '/nowhere', sizeMb: 1, mode: 0o700, keep: [] } as const;
    const instance = await host.instance(snapshot, { confine: [{ ...failing, optional: true }] });
    assert.deepEqual(instance.hello.unconfined, ['mask: mount: No such file or directory']);
    const unknown = await host.instance(snapshot, { confine: [{ op: 'levitate', optional: true } as unknown as ConfineStep] });
    assert.deepEqual(unknown.hello.unconfined, ['levitate: not known to this shim']);

    void host.fork(snapshot, { confine: [failing] });
    const { pid } = JSON.parse((await lastForked(snapshot)).toString()) as { pid: number };
    for (;;) {
      const ended = JSON.parse((await snapshot.connection.next(Frame.childExited)).payload.toString()) as { pid: number; code: number };
      if (ended.pid !== pid) continue;
      assert.equal(ended.code, 1);
      break;
    }
  });
});

/** An interpreter below a home directory can't be read by another uid: show it, and nothing else of the home. */
function uncoverInterpreter(): ConfineStep[] {
  const prefix = execFileSync(PYTHON, ['-c', 'import sys; print(sys.base_prefix)']).toString().trim();
  const home = homedir();
  if (!prefix.startsWith(`${home}/`)) return [];
  return [
    { op: 'unshare', namespaces: ['mount'] },
    { op: 'mask', target: home, sizeMb: 1, mode: 0o755, keep: [prefix] },
  ];
}

/** The payload of the newest `forked` frame: as many have come as forks were ordered. */
async function lastForked(parent: Shim): Promise<Buffer> {
  const ordered = parent.connection.newRequest() - 1;
  for (;;) {
    const frame = await parent.connection.next(Frame.forked);
    if (frame.request === ordered) return frame.payload;
  }
}
