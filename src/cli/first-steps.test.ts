import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync } from 'node:fs';
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, it } from 'node:test';
import { folder, hearth } from './testing/run-hearth.ts';

const BIN = fileURLToPath(new URL('../../../bin/hearth', import.meta.url));
const skip = existsSync(new URL('../app.js', import.meta.url)) ? false : 'the server is not part of this build';

/** Whether any user may run what is at the path. */
function isForAll(path: string): boolean {
  for (let at = path; at !== dirname(at); at = dirname(at))
    if (spawnSync('setpriv', ['--reuid=65534', '--regid=65534', '--clear-groups', 'test', '-x', at]).status !== 0) return false;
  return true;
}

describe('what goes wrong at first', () => {
  it('init that can not write all of its files leaves none of them', async () => {
    await using here = await folder();
    await mkdir(join(here.path, 'file'));
    await writeFile(join(here.path, 'file/file'), 'mine');
    const blocked = await hearth(['init', 'file'], { cwd: here.path });
    assert.deepEqual([blocked.code, await readdir(join(here.path, 'file'))], [2, ['file']], blocked.stderr);
    assert.match(blocked.stderr, /^error: can't write a function into [^\n]*\/file: [^\n]*\nfix: name another folder/);
    // Where one is refused with ENOENT though the folder above is there, Node.js's own `recursive` tries for ever.
    if (process.platform !== 'linux') return;
    const none = await hearth(['init', '/proc/hearth/hello'], { cwd: here.path });
    assert.deepEqual([none.code, /^error: can't write [^\n]*\nfix: /.test(none.stderr)], [2, true], none.stderr);
  });

  it('init writes for no runtime that nothing knows: its first deployment would be refused', async () => {
    await using here = await folder();
    for (const runtime of ['nodejs99.x', 'python3.99']) {
      const { code, stderr } = await hearth(['init', 'x', '--runtime', runtime], { cwd: here.path });
      assert.deepEqual([code, await readdir(here.path)], [2, []], stderr);
    }
  });

  it('names a port that is none in HEARTH_PORT, and a home that has no name', async () => {
    await using here = await folder();
    const port = await hearth(['ps'], { cwd: here.path, env: { HEARTH_PORT: 'http' } });
    assert.deepEqual([port.code, port.stderr.split('\n')[0]], [2, "error: HEARTH_PORT must be a number from 0 to 65535, not 'http'"]);
    // The commands read their line before they do anything: nothing is started, and no other home's server is ended.
    const env = { HEARTH_HOME: join(here.path, 'home') };
    for (const command of [['up', '--no-deploy', '--port', '0', '--detach'], ['down']]) {
      const { code, stderr } = await hearth([...command, '--home', ''], { cwd: here.path, env });
      assert.deepEqual([code, await readdir(here.path)], [2, []], stderr);
      assert.match(stderr, /^error: option '--home <folder>' argument '' is invalid\. Name a folder\./);
    }
  });

  it('down says which home has no server, and where it can not know that', async (t) => {
    await using here = await folder();
    const home = join(here.path, 'home');
    assert.equal((await hearth(['down', '--home', home])).stderr, `Hearth is not running (state in ${home})\n`);
    if (process.getuid?.() !== 0 || !isForAll(process.execPath) || !isForAll(BIN))
      return t.skip('needs root, and a clone that all may read');
    await mkdir(home, { mode: 0o700 });
    chmodSync(here.path, 0o755);
    const { status, stderr } = spawnSync(
      'setpriv',
      ['--reuid=65534', '--regid=65534', '--clear-groups', process.execPath, BIN, 'down', '--home', home],
      { cwd: here.path, encoding: 'utf8' },
    );
    assert.equal(status, 2, stderr);
    assert.match(stderr, /^error: can't tell whether a server runs: EACCES[^\n]*\nfix: end it as the user who started it/);
  });

  it(
    'goes on when its remarks find no room on the disk, and says so of its data',
    { skip: existsSync('/dev/full') ? false : 'needs /dev/full' },
    async () => {
      await using here = await folder();
      const line = `exec "${BIN}" init hello 2>/dev/full`;
      const { status, stderr } = spawnSync('sh', ['-c', line], { cwd: here.path, encoding: 'utf8' });
      assert.deepEqual([status, await readdir(join(here.path, 'hello'))], [0, ['.hearth', 'hearth.yaml', 'hello']], stderr);
      // Data is another matter: who asked for it has to know.
      const data = spawnSync('sh', ['-c', `exec "${BIN}" --version >/dev/full`], { cwd: here.path, encoding: 'utf8' });
      assert.equal(data.status, 2, data.stderr);
      assert.match(data.stderr, /^error: ENOSPC[^\n]*\nfix: make room on the disk[^\n]*\n$/);
    },
  );

  it(
    'up says that it may have too few files open, and leaves nothing',
    { skip: process.platform === 'linux' ? skip : 'needs /proc' },
    async () => {
      await using here = await folder();
      for (const detach of ['', '--detach']) {
        const line = `ulimit -n 512; exec "${BIN}" up --port 0 --home home ${detach}`;
        const { status, stderr } = spawnSync('sh', ['-c', line], { cwd: here.path, encoding: 'utf8', timeout: 60_000 });
        assert.match(
          stderr,
          /^error: a process may have no more than 512 files open here, and the server needs 1024\nfix: [^\n]*ulimit -Hn[^\n]*\n$/,
        );
        assert.deepEqual([status, await readdir(here.path)], [2, []]);
      }
    },
  );

  it('up says that there is no temporary folder where TMPDIR says', { skip }, async () => {
    await using here = await folder();
    const options = { cwd: here.path, env: { TMPDIR: join(here.path, 'nowhere') } };
    const { code, stderr } = await hearth(['up', '--port', '0', '--home', 'home'], options);
    assert.equal(code, 7, stderr);
    assert.match(stderr, /error: the temporary folder [^\n]*\/nowhere can't be used: ENOENT[^\n]*TMPDIR/);
  });

  it('events redrive of what went well asks which, in the words of its options', async () => {
    for (const state of ['finished', 'succeeded']) {
      const { code, stderr } = await hearth(['events', 'redrive', '--state', state, '--function', 'f']);
      assert.equal(code, 2, stderr);
      assert.match(stderr, /^error: --state \w+ names events that went well: say which of them\nfix: give --prefix or --since/);
    }
  });

  it('says of a fault in config.yaml what was meant', async () => {
    await using here = await folder();
    await writeFile(join(here.path, 'config.yaml'), 'limits: { drianMs: 1 }\n');
    const config = await hearth(['up', '--no-deploy', '--port', '0', '--home', here.path], { cwd: here.path });
    assert.equal(config.code, 2);
    assert.match(config.stderr, /^error: [^\n]*config\.yaml: limits\.drianMs: unknown key; did you mean drainMs\?\nfix: correct/);
  });

  it('up says how other commands find a home that they do not look at, and to try none that can not run', { skip }, async () => {
    await using here = await folder();
    const home = join(here.path, 'my home');
    const runtime = `nodejs${process.versions.node.split('.')[0]}.x`;
    await writeFile(join(here.path, 'index.mjs'), 'export const handler = () => 1;\n');
    await writeFile(
      join(here.path, 'hearth.yaml'),
      `functions:\n  broken: { runtime: ${runtime}, handler: index.main }\n  sound: { runtime: ${runtime}, handler: index.handler }\n`,
    );
    const up = await hearth(['up', '--detach', '--port', '0', '--home', home], { cwd: here.path });
    try {
      assert.equal(up.code, 8, up.stderr);
      assert.match(up.stderr, /\ntry:\n[^\n]*\n {2}hearth invoke sound /);
      assert.ok(up.stderr.includes(`eval "$(HEARTH_HOME='${home}' hearth keys env)"`), up.stderr);
      assert.ok(up.stderr.includes(`\n  export HEARTH_HOME='${home}'  `), up.stderr);
      assert.ok(up.stderr.includes(`\`hearth down --home '${home}'\` ends it`), up.stderr);
    } finally {
      await hearth(['down', '--home', home]);
    }
  });
});
