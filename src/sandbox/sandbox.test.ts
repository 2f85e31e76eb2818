import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import type { ConfineStep } from '../runtimes/protocol.ts';
import { report } from './abilities.ts';
import type { Abilities } from './abilities.ts';
import { confinement, needsTemporary } from './confinement.ts';
import type { FunctionInput, InstanceInput } from './confinement.ts';
import { detect, machineProbe } from './detect.ts';
import type { Probe } from './detect.ts';
import { PREFERRED_IDS, functionIds, idRange } from './ids.ts';
import { layout, onThisMachine } from './layout.ts';
import { countsApart, mostCoreBytes } from './rlimits.ts';
import { closedAncestors, covers, outermost } from './visibility.ts';

const root: Abilities = {
  linux: true,
  root: true,
  noMounts: null,
  noUserNamespaces: null,
  noLoopbacks: null,
  ids: PREFERRED_IDS,
  cpus: [0, 1],
};
const ordinary: Abilities = { ...root, root: false, noMounts: 'the server is not root', noLoopbacks: 'the server is not root', ids: null };
const bare: Abilities = { ...ordinary, noUserNamespaces: 'no user namespaces: EPERM' };
const common = { needed: ['/usr', '/root/.pyenv/versions/3.11', '/tmp/home/code/1'], ephemeralStorageMb: 512, hostname: 'fn' };
const fn = (abilities: Abilities, more: Partial<FunctionInput> = {}): ConfineStep[] =>
  confinement({
    kind: 'function',
    abilities,
    functionId: 'f',
    hide: ['/root', '/tmp/home'],
    initCpu: 1,
    layout: null,
    loopback: null,
    ...common,
    ...more,
  });
const instance = (abilities: Abilities, more: Partial<InstanceInput> = {}): ConfineStep[] =>
  confinement({ kind: 'instance', abilities, temporary: '/run/h/tmp/1', ...common, ...more });
const ops = (steps: ConfineStep[]): string[] => steps.map((s) => (s.op === 'mask' ? `mask ${s.target}` : s.op));

describe('confinement of a function process', () => {
  it('by root: everything, privileges last', () => {
    assert.deepEqual(ops(fn(root)), [
      'setsid',
      'subreaper',
      'core',
      'rlimit',
      'rlimit',
      'umask',
      'affinity',
      'unshare',
      'mask /root',
      'mask /tmp',
      'hostname',
      'ids',
      'dropCapabilities',
      'noNewPrivs',
    ]);
  });

  it('moves it into its loopback while it still may', () => {
    const steps = fn(root, { loopback: '/sys/fs/cgroup/hearth-1-1/i/cgroup.threads' });
    const at = steps.findIndex((s) => s.op === 'cgroup');
    assert.deepEqual(steps[at], { op: 'cgroup', path: '/sys/fs/cgroup/hearth-1-1/i/cgroup.threads', optional: true });
    assert.ok(at >= 0 && at < steps.findIndex((s) => s.op === 'unshare'));
  });

  it('leaves what is needed visible where it lies in what is covered', () => {
    const masks = fn(root).filter((s) => s.op === 'mask');
    assert.deepEqual(
      masks.map((m) => m.keep),
      [['/root/.pyenv/versions/3.11'], ['/tmp/home/code/1']],
    );
    assert.deepEqual(
      masks.map((m) => m.sizeMb),
      [1, 512],
    );
  });

  it('by an ordinary user: the same in a user namespace, without another user', () => {
    const steps = fn(ordinary);
    assert.ok(!ops(steps).includes('ids'));
    assert.deepEqual(
      steps.find((s) => s.op === 'unshare'),
      { op: 'unshare', namespaces: ['user', 'mount', 'ipc', 'uts'] },
    );
  });

  it('where nothing works: no step that would fail', () => {
    const rlimits = ['rlimit', 'rlimit', 'rlimit'];
    assert.deepEqual(ops(fn(bare)), ['setsid', 'subreaper', ...rlimits, 'umask', 'affinity', 'dropCapabilities', 'noNewPrivs']);
  });

  it('has no step that may fail unnoticed, but for the CPU and the host name', () => {
    assert.deepEqual(
      fn(root)
        .filter((s) => s.optional)
        .map((s) => s.op),
      ['affinity', 'hostname'],
    );
  });

  it('that will serve itself keeps all CPUs', () => {
    assert.ok(!ops(fn(root, { initCpu: null })).includes('affinity'));
  });
});

describe('confinement of an instance', () => {
  it('has a /tmp of its own in a user namespace of its own, and all CPUs back', () => {
    const steps = instance(root);
    assert.deepEqual(ops(steps), ['unshare', 'mask /tmp', 'hostname', 'affinity', 'setsid', 'subreaper', 'dropCapabilities', 'noNewPrivs']);
    assert.deepEqual(steps.find((s) => s.op === 'affinity')?.cpus, []);
    assert.ok(steps.find((s) => s.op === 'unshare')?.optional);
  });

  it('falls back to a directory of its own, which somebody has to make', () => {
    assert.deepEqual(
      instance(bare).find((s) => s.op === 'environment'),
      { op: 'environment', name: 'TMPDIR', value: '/run/h/tmp/1' },
    );
    const matrix = [root, ordinary, bare, { ...root, noUserNamespaces: 'x' }].map((a) => [
      needsTemporary('function', a),
      needsTemporary('instance', a),
    ]);
    assert.deepEqual(matrix, [
      [false, false],
      [false, false],
      [true, true],
      [false, true],
    ]);
  });

  it('is empty elsewhere than on Linux', () => {
    assert.deepEqual(instance({ ...bare, linux: false }), []);
  });
});

describe('the layout that Lambda has', () => {
  const layersRoot = mkdtempSync(join(tmpdir(), 'hearth-layout-'));
  after(() => rmSync(layersRoot, { recursive: true }));

  it('shows the code, the runtime and each entry of the layers', () => {
    mkdirSync(join(layersRoot, 'python'));
    assert.deepEqual(layout({ taskRoot: '/t', layersRoot, runtimeRoot: '/r', hosts: '/run/hosts' }), [
      { op: 'show', target: '/var', entries: { task: '/t', runtime: '/r' }, optional: true },
      { op: 'show', target: '/etc', entries: { hosts: '/run/hosts' }, optional: true },
      { op: 'show', target: '/opt', entries: { python: join(layersRoot, 'python') }, optional: true },
    ]);
    assert.equal(layout({ taskRoot: '/t', layersRoot: null, runtimeRoot: '/r', hosts: null }).length, 1);
  });

  it('leads from its names to where things lie', () => {
    const roots = { taskRoot: '/t', layersRoot: '/l' };
    assert.deepEqual(
      ['/opt/a/b', '/var/task/c', '/usr/bin/env', '/optional'].map((path) => onThisMachine(path, roots)),
      ['/l/a/b', '/t/c', '/usr/bin/env', '/optional'],
    );
    assert.equal(onThisMachine('/opt/a', { ...roots, layersRoot: null }), '/opt/a');
  });

  it('lets core files be as large as on Lambda, yet not larger than this server may', () => {
    const line = (most: string): string =>
      `Max file size  unlimited  unlimited  bytes\nMax core file size        0                    ${most}   bytes\n`;
    assert.deepEqual(
      ['unlimited', '4096', '0'].map((most) => mostCoreBytes(line(most))),
      [Number.MAX_SAFE_INTEGER, 4096, 0],
    );
    assert.equal(mostCoreBytes(''), 0);
  });

  it('limits processes where each user namespace counts its own', () => {
    assert.deepEqual(['5.13.0', '5.14.0-1-amd64', '6.1', '4.19'].map(countsApart), [false, true, true, false]);
  });
});

describe('user ids', () => {
  it('are stable, and differ between functions', () => {
    assert.deepEqual(functionIds('a', PREFERRED_IDS), functionIds('a', PREFERRED_IDS));
    const uids = new Set(Array.from({ length: 500 }, (_, i) => functionIds(`function-${i}`, PREFERRED_IDS).uid));
    assert.equal(uids.size, 500);
    for (const uid of uids) assert.ok(uid >= PREFERRED_IDS.base && uid < 2 ** 31);
  });

  it('lie within what is mapped in a container', () => {
    assert.deepEqual(idRange('         0          0 4294967295\n'), PREFERRED_IDS);
    assert.deepEqual(idRange('0 1000 1\n1 100000 65536\n'), { base: 32769, count: 32766 });
    assert.equal(idRange('0 1000 1\n'), null);
    assert.equal(idRange(''), null);
  });
});

describe('visibility', () => {
  it('covers nothing that is itself needed, and no directory twice', () => {
    assert.deepEqual(
      covers(['/root', '/root/a', '/opt/py', '/'], ['/opt/py', '/root/a/b', '/root/a/b/c']).map(
        (s) => s.op === 'mask' && [s.target, s.keep],
      ),
      [['/root', ['/root/a/b']]],
    );
  });

  it('does not take a name that begins alike for a directory within', () => {
    assert.deepEqual(outermost(['/a', '/ab', '/a/b']), ['/a', '/ab']);
  });

  it('finds nothing closed above /usr', () => {
    assert.deepEqual(closedAncestors(['/usr/bin/env']), []);
  });
});

describe('detection', () => {
  const probe = (more: Partial<Probe>): Probe => ({
    platform: 'linux',
    uid: 1000,
    read: () => null,
    run: async () => null,
    loopbacks: async () => null,
    ...more,
  });

  it('tries user namespaces as the user that will need them', async () => {
    const seen: (number | null)[] = [];
    const abilities = await detect(
      probe({ uid: 0, read: (p) => (p.endsWith('uid_map') ? '0 0 4294967295' : null), run: async (_argv, uid) => (seen.push(uid), null) }),
    );
    assert.deepEqual(seen, [null, PREFERRED_IDS.base]);
    assert.deepEqual([abilities.noMounts, abilities.noUserNamespaces], [null, null]);
  });

  it('names the switch that forbids', async () => {
    const abilities = await detect(
      probe({ read: (p) => (p.endsWith('unprivileged_userns_clone') ? '0\n' : null), run: async () => 'unshare failed' }),
    );
    assert.match(abilities.noUserNamespaces!, /kernel\.unprivileged_userns_clone=1.*unshare failed/);
    const lines = report(abilities).filter((l) => !l.active);
    assert.deepEqual(
      lines.map((l) => l.mechanism),
      [
        'own user per function',
        'private /tmp per function',
        'private /tmp per instance',
        'own IPC objects and host name',
        'own loopback per instance that is not forked',
      ],
    );
    assert.ok(lines.every((l) => l.reason !== null));
    const gap = { mechanism: 'all of this in every process', active: false, reason: 'not in one' };
    assert.deepEqual(report(abilities, ['not in one']).at(-1), gap);
  });

  it('reads lists of CPUs', async () => {
    const abilities = await detect(probe({ read: (p) => (p === '/proc/self/status' ? 'Name:\tx\nCpus_allowed_list:\t0-2,5\n' : null) }));
    assert.deepEqual(abilities.cpus, [0, 1, 2, 5]);
  });

  it('gives some answer on this machine', async () => {
    const abilities = await detect(machineProbe);
    assert.equal(abilities.linux, process.platform === 'linux');
    assert.ok(abilities.cpus.length > 0);
    assert.ok(report(abilities).every((l) => l.active === (l.reason === null)));
  });
});
