import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { lstat, mkdir, mkdtemp, readFile, readdir, readlink, rename, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import { silent } from '../../test/silent-log.ts';
import { HearthError } from '../errors.ts';
import { VirtualClock } from '../lib/virtual-clock.ts';
import { FsArtifacts } from './fs-artifacts.ts';
import type { Interpreter, Interpreters } from './interpreters.ts';
import { pack } from './pack.ts';
import { MODE, zip } from './testing/zip.ts';

const exec = promisify(execFile);

let home: string;
let clock: VirtualClock;
let artifacts: FsArtifacts;

const node: Interpreter = { language: 'Node.js', path: process.execPath, version: process.versions.node };
const interpreters: Interpreters = { find: async (runtime) => (runtime.startsWith('nodejs') ? node : null), found: async () => [node] };

before(async () => {
  home = await mkdtemp(join(tmpdir(), 'hearth-artifacts-'));
  clock = new VirtualClock(0);
  artifacts = await FsArtifacts.open({ root: join(home, 'artifacts'), interpreters, clock, log: silent });
});

after(async () => {
  await artifacts.close();
  await rm(home, { recursive: true, force: true });
});

function build(source: Buffer, handler = 'index.handler', runtime = 'nodejs20.x') {
  const steps: string[] = [];
  return artifacts
    .build({ source, runtime, handler, installScripts: false, progress: (p) => steps.push(p.step) })
    .then((made) => ({ ...made, steps }));
}

async function runHandler(sha256: string, module: string): Promise<string> {
  const root = await artifacts.taskRoot(sha256);
  const script = `import(${JSON.stringify(join(root, module))}).then(async (m) => process.stdout.write(String(await (m.handler ?? m.default.handler)())))`;
  return (await exec(process.execPath, ['--enable-source-maps', '-e', script], { cwd: root })).stdout;
}

test('a zip is kept by its digest, unpacked, readable by all, with executable bits', async () => {
  const bytes = await zip({
    'index.js': 'exports.handler = async () => 1',
    'bin/bootstrap': ['#!/bin/sh', MODE.program],
    current: ['bin', MODE.link],
  });
  const [code, again] = await Promise.all([artifacts.putCode(bytes), artifacts.putCode(bytes)]);
  assert.deepEqual(code, again);
  assert.equal(code.bytes, bytes.length);
  assert.deepEqual(await readFile(await artifacts.zipPath(code.sha256)), bytes);
  const root = await artifacts.taskRoot(code.sha256);
  assert.equal((await stat(join(root, 'index.js'))).mode & 0o777, 0o644);
  assert.equal((await stat(join(root, 'bin/bootstrap'))).mode & 0o777, 0o755);
  assert.equal((await stat(join(root, 'bin'))).mode & 0o777, 0o755);
  assert.equal((await stat(root)).mode & 0o777, 0o755);
  assert.equal(await readlink(join(root, 'current')), 'bin');
  assert.deepEqual(await readdir(join(home, 'artifacts', 'tmp')), []);
});

test('lost unpacked code is unpacked again', async () => {
  const code = await artifacts.putCode(await zip({ 'lost.js': '1' }));
  const root = await artifacts.taskRoot(code.sha256);
  await rm(root, { recursive: true });
  const roots = await Promise.all([artifacts.taskRoot(code.sha256), artifacts.taskRoot(code.sha256)]);
  assert.deepEqual(roots, [root, root]);
  assert.equal(await readFile(join(root, 'lost.js'), 'utf8'), '1');
});

test('packing is deterministic: neither times nor the order of creation show', async () => {
  const [a, b] = [join(home, 'pack-a'), join(home, 'pack-b')];
  for (const [folder, names] of [
    [a, ['x', 'y/z']],
    [b, ['y/z', 'x']],
  ] as const) {
    for (const name of names) {
      await mkdir(dirname(join(folder, name)), { recursive: true });
      await writeFile(join(folder, name), name);
    }
    await symlink('x', join(folder, 'link'));
    await mkdir(join(folder, 'empty'));
  }
  assert.ok((await pack(a)).equals(await pack(b)));
});

test('a function that depends on nothing is packed as it is, the same each time', async () => {
  const source = await zip({
    'index.mjs': 'export const handler = async () => "plain"',
    'package.json': '{"devDependencies": {"x": "1"}}',
  });
  const first = await build(source);
  assert.equal(first.dependencies, null);
  assert.deepEqual(first.steps, ['unpack', 'package']);
  assert.deepEqual((await build(source)).code, first.code);
  assert.equal(await runHandler(first.code.sha256, 'index.mjs'), 'plain');
});

test('dependencies are installed once, found by ES modules, and no script of theirs runs', async () => {
  const files = {
    'package.json': JSON.stringify({
      type: 'module',
      dependencies: { greeting: 'file:./greeting' },
      scripts: { postinstall: 'touch OWN' },
    }),
    'greeting/package.json': JSON.stringify({
      name: 'greeting',
      version: '1.0.0',
      main: 'main.js',
      scripts: { install: 'touch RAN', postinstall: 'touch RAN' },
    }),
    'greeting/main.js': 'module.exports = "hello";',
    'index.js': 'import g from "greeting"; export const handler = async () => g;',
  };
  const [a, b] = await Promise.all([build(await zip(files)), build(await zip({ ...files, 'other.txt': '1' }))]);
  assert.ok(a.dependencies !== null);
  assert.equal(a.dependencies, b.dependencies);
  const folder = await artifacts.dependencyRoot(a.dependencies);
  assert.deepEqual(await readdir(join(home, 'artifacts', 'dependencies')), [a.dependencies]);
  assert.equal(await runHandler(a.code.sha256, 'index.js'), 'hello');
  await assert.rejects(lstat(join(folder, 'greeting', 'RAN')), { code: 'ENOENT' });
  await assert.rejects(lstat(join(folder, 'OWN')), { code: 'ENOENT' });
  assert.equal((await stat(join(folder, 'greeting', 'main.js'))).uid, process.getuid?.());

  const target = await readlink(join(await artifacts.taskRoot(a.code.sha256), 'node_modules'));
  assert.equal(target, join('../../../dependencies', a.dependencies, 'node_modules'));
  await rm(await artifacts.taskRoot(a.code.sha256), { recursive: true });
  assert.equal(await runHandler(a.code.sha256, 'index.js'), 'hello', 'also after it was unpacked again');

  const changed = await build(await zip({ ...files, 'index.js': 'import g from "greeting"; export const handler = async () => g + "!";' }));
  assert.equal(changed.dependencies, a.dependencies);
  const other = await build(await zip({ ...files, 'greeting/main.js': 'module.exports = "bye";' }));
  assert.notEqual(other.dependencies, a.dependencies);
  assert.equal(await runHandler(other.code.sha256, 'index.js'), 'bye');
});

test('install scripts run when the function asks for it, and never with the privileges of the server', async () => {
  const files = {
    'package.json': JSON.stringify({ dependencies: { scripted: 'file:./scripted' } }),
    'scripted/package.json': JSON.stringify({ name: 'scripted', version: '1.0.0', scripts: { install: 'id -u > RAN' } }),
    'index.js': '',
  };
  const made = await artifacts.build({
    source: await zip(files),
    runtime: 'nodejs20.x',
    handler: 'index.handler',
    installScripts: true,
    progress: () => undefined,
  });
  assert.ok(made.dependencies !== null);
  const uid = Number(await readFile(join(await artifacts.dependencyRoot(made.dependencies), 'scripted', 'RAN'), 'utf8'));
  assert.equal(uid, process.getuid?.() === 0 ? 65534 : process.getuid?.());
  assert.notEqual(made.dependencies, (await build(await zip(files))).dependencies);
});

test('a failed install tells what npm said, and leaves nothing', async () => {
  const before = await readdir(join(home, 'artifacts', 'dependencies'));
  const source = await zip({ 'package.json': '{"dependencies": {"nothing": "file:./not-there.tgz"}}', 'index.js': '' });
  await assert.rejects(build(source), (error: unknown) => {
    assert.ok(error instanceof HearthError);
    assert.equal(error.code, 'BuildFailed');
    assert.match(error.message, /npm install --omit=dev --ignore-scripts` failed/);
    assert.match(String(error.details['output']), /ENOENT|not-there/);
    return true;
  });
  assert.deepEqual(await readdir(join(home, 'artifacts', 'dependencies')), before);
  await assert.rejects(build(await zip({ 'package.json': '{', 'index.js': '' })), {
    code: 'BuildFailed',
    message: /package\.json can't be read/,
  });
});

test('node_modules that came along are taken as they are', async () => {
  const made = await build(
    await zip({
      'package.json': '{"dependencies": {"own": "1.0.0"}}',
      'node_modules/own/index.js': 'module.exports = "own"',
      'index.js': 'exports.handler = async () => require("own")',
    }),
  );
  assert.equal(made.dependencies, null);
  assert.equal(await runHandler(made.code.sha256, 'index.js'), 'own');
});

test('requirements without an interpreter: the error lists what was found', async () => {
  const source = await zip({ 'requirements.txt': 'numpy # the usual\n', 'app.py': '' });
  await assert.rejects(build(source, 'app.handler', 'python3.12'), {
    code: 'BuildFailed',
    message: /no interpreter on this machine runs python3\.12\. Found: Node\.js/,
  });
  assert.equal((await build(await zip({ 'requirements.txt': '# none\n', 'app.py': '' }), 'app.handler', 'python3.12')).dependencies, null);
});

test('a sweep removes what nothing refers to, and what was made lately stays', async () => {
  const kept = await artifacts.putCode(await zip({ 'kept.js': '1' }));
  const old = await artifacts.putCode(await zip({ 'old.js': '1' }));
  await clock.advance(60 * 60_000);
  const fresh = await artifacts.putCode(await zip({ 'fresh.js': '1' }));
  const freed = await artifacts.sweep({ code: new Set([kept.sha256]), dependencies: new Set() });
  assert.ok(freed > 0);
  await artifacts.taskRoot(kept.sha256);
  await artifacts.taskRoot(fresh.sha256);
  await assert.rejects(artifacts.taskRoot(old.sha256), { code: 'ServiceException' });
  assert.deepEqual(await readdir(join(home, 'artifacts', 'dependencies')), []);
  assert.deepEqual(await readdir(join(home, 'artifacts', 'tmp')), []);
});

test(
  'what can not be removed is told and holds up nothing: not the sweep, not the next start',
  { skip: process.platform !== 'linux' },
  async () => {
    const root = join(home, 'stuck');
    const told: { err: NodeJS.ErrnoException; path: string }[] = [];
    const log = { ...silent, warn: (fields: object) => told.push(fields as (typeof told)[number]) };
    const stuck = await FsArtifacts.open({ root, interpreters, clock, log });
    // Of a path that was as long as paths may be before its first folder had another name.
    const [made, name] = [join(root, 'm'), '0'.repeat(64)];
    let path = made;
    while (4095 - path.length > 250) path += `/${'x'.repeat(200)}`;
    await mkdir(path, { recursive: true });
    await mkdir(`${path}/${'y'.repeat(4094 - path.length)}`);
    await rename(made, join(root, 'code', name));
    await mkdir(join(root, 'code', 'f'.repeat(64)));
    await stuck.sweep({ code: new Set(), dependencies: new Set() });
    assert.deepEqual(await readdir(join(root, 'code')), []);
    assert.deepEqual(
      told.map((t) => t.path),
      [join(root, 'code', name)],
    );
    await stuck.close();
    const again = await FsArtifacts.open({ root, interpreters, clock, log });
    assert.equal(told[1]?.path, join(root, 'tmp'));
    await again.putCode(await zip({ 'goes-on.js': '1' }));
    await again.close();
    const [grave = ''] = await readdir(join(root, 'tmp'));
    await rename(join(root, 'tmp', grave, 'gone'), made); // short again: can be removed
    await rm(made, { recursive: true });
  },
);

test('what a later layer has replaces what an earlier one had, links too', async () => {
  const layer = async (files: Parameters<typeof zip>[0]): Promise<string> => (await artifacts.putCode(await zip(files))).sha256;
  const root = await artifacts.layersRoot([
    await layer({ a: 'file', t: '0', b: ['t', MODE.link], c: ['t', MODE.link], lib64: ['lib', MODE.link], 'lib/x': '1' }),
    await layer({ a: ['t', MODE.link], t: '2', b: 'file', c: ['u', MODE.link], u: '3', lib64: ['lib', MODE.link], 'lib/y': '2' }),
  ]);
  assert.equal(await readlink(join(root, 'a')), 't');
  assert.ok((await lstat(join(root, 'b'))).isFile());
  assert.equal(await readlink(join(root, 'c')), 'u');
  const read = (name: string): Promise<string> => readFile(join(root, name), 'utf8');
  assert.deepEqual(await Promise.all(['a', 'b', 'c', 't', 'lib64/x', 'lib64/y'].map(read)), ['2', 'file', '3', '2', '1', '2']);
});
