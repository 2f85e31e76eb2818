import assert from 'node:assert/strict';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { access, mkdir, readdir, readFile, watch, writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { folder, hearth, said, start } from './testing/run-hearth.ts';

const skip = existsSync(new URL('../app.js', import.meta.url)) ? false : 'the server is not part of this build';

const linux = process.platform === 'linux';

/** Ids of the processes that were started with `text` in their arguments. */
async function processesWith(text: string): Promise<string[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const lines = await Promise.all(pids.map((pid) => readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')));
  return pids.filter((_, i) => lines[i]?.includes(text));
}

describe('hearth up', { skip }, () => {
  it('runs in the background until `down`, and refuses a second on its home', async () => {
    await using here = await folder();
    const env = { HEARTH_HOME: join(here.path, 'home') };
    const run = (...args: string[]) => hearth(args, { cwd: here.path, env });
    const started = await run('up', '--detach', '--port', '0', '--json');
    try {
      assert.equal(started.code, 0, started.stderr);
      const { endpoint, pid } = JSON.parse(started.stdout);
      assert.equal(JSON.parse((await run('status', '--json')).stdout).pid, pid);
      const second = await run('up', '--port', '0');
      assert.equal(second.code, 9);
      assert.match(second.stderr, new RegExp(`^error: Hearth is running already at ${endpoint} \\(process ${pid},[^\\n]*\\nfix: `));
    } finally {
      const ended = await run('down');
      assert.equal(ended.code, 0, ended.stderr);
    }
    await assert.rejects(access(join(env.HEARTH_HOME, 'server.json')));
    assert.equal((await run('status')).code, 3);
  });

  it('starts nothing when what it should deploy is not there or broken', async () => {
    await using here = await folder();
    const env = { HEARTH_HOME: join(here.path, 'home') };
    const missing = await hearth(['up', '--detach', '--port', '0', '-f', 'nope.yaml'], { cwd: here.path, env });
    assert.equal(missing.code, 2);
    assert.match(missing.stderr, /^error: can't read [^\n]*nope\.yaml[^\n]*\nfix: name another file with -f\n$/);
    await writeFile(join(here.path, 'hearth.yaml'), 'function: {}\n');
    const broken = await hearth(['up', '--port', '0'], { cwd: here.path, env });
    assert.equal(broken.code, 2);
    assert.match(broken.stderr, /hearth\.yaml:1:1: function: unknown key; did you mean functions\?/);
    await assert.rejects(access(env.HEARTH_HOME));
  });

  it('says by its exit code that a function could not be deployed, and runs on in the background', async () => {
    await using here = await folder();
    const env = { HEARTH_HOME: join(here.path, 'home') };
    const runtime = `nodejs${process.versions.node.split('.')[0]}.x`;
    const declared = `functions:\n  broken:\n    runtime: ${runtime}\n    handler: index.handler\n    code: ./broken\n`;
    await writeFile(join(here.path, 'hearth.yaml'), declared);
    await mkdir(join(here.path, 'broken'));
    await writeFile(join(here.path, 'broken', 'index.ts'), 'export const handler = (;\n');
    try {
      const started = await hearth(['up', '--detach', '--port', '0', '--json'], { cwd: here.path, env });
      const { functions } = JSON.parse(started.stdout);
      assert.deepEqual([started.code, functions[0].ok], [8, false], started.stderr);
      assert.equal((await hearth(['status'], { cwd: here.path, env })).code, 0);
    } finally {
      await hearth(['down'], { cwd: here.path, env });
    }
  });

  it('says what to do about a home or an address it can not have, and leaves no server', async () => {
    await using here = await folder();
    await writeFile(join(here.path, 'file'), '');
    for (const detach of [[], ['--detach']]) {
      const home = await hearth(['up', '--port', '0', '--home', 'file/home', ...detach], { cwd: here.path });
      assert.equal(home.code, 2);
      assert.match(home.stderr, /^error: can't keep state in [^\n]*\/file\/home: [^\n]*\nfix: [^\n]*--home or HEARTH_HOME\n$/);
    }
    const host = await hearth(['up', '--port', '0', '--host', '192.0.2.1', '--home', 'home'], { cwd: here.path });
    assert.equal(host.code, 2, host.stderr);
    assert.match(host.stderr, /error: 192\.0\.2\.1 is no address of this machine\nfix: [^\n]*--host/);
    await assert.rejects(access(join(here.path, 'home', 'server.json')));
  });

  it('says what to do about a home on a file system that takes none', { skip: linux ? false : 'needs /proc' }, async () => {
    await using here = await folder();
    for (const detach of [[], ['--detach']]) {
      const { code, stderr } = await hearth(['up', '--port', '0', '--home', '/proc/hearth/home', ...detach], { cwd: here.path });
      assert.equal(code, 2, stderr);
      assert.match(stderr, /^error: can't keep state in \/proc\/hearth\/home: [^\n]*\nfix: [^\n]*--home or HEARTH_HOME\n$/);
    }
  });

  it('says once that the port is taken, and leaves nothing of a home that it made', async () => {
    await using here = await folder();
    const other = createServer().listen(0, '127.0.0.1');
    await once(other, 'listening');
    const { port } = other.address() as AddressInfo;
    await mkdir(join(here.path, 'kept'));
    try {
      for (const detach of [[], ['--detach']]) {
        for (const home of ['made/by/us', 'kept']) {
          const { code, stderr } = await hearth(['up', '--port', String(port), '--home', home, ...detach], { cwd: here.path });
          assert.equal(code, 2);
          assert.match(stderr, new RegExp(`^error: port ${port} of 127\\.0\\.0\\.1 is taken\nfix: choose another with --port\n$`));
        }
        assert.deepEqual(await readdir(here.path), ['kept']);
        assert.deepEqual(await readdir(join(here.path, 'kept')), ['server.log'], 'nothing was begun');
      }
    } finally {
      other.close();
    }
  });

  it('leaves nothing when it is interrupted while it starts', async () => {
    await using here = await folder();
    const home = join(here.path, 'home');
    await mkdir(home);
    const made = new AbortController();
    const watching = watch(home, { signal: made.signal });
    await using child = start(['up', '--port', '0', '--home', join(home, 'first')], { cwd: here.path });
    for await (const { filename } of watching) if (filename === 'first') break;
    made.abort();
    child.kill('SIGTERM');
    const { code, stderr } = await child.ended;
    assert.equal(code, 130, stderr);
    assert.match(stderr, /^error: interrupted before the server was ready: it has ended\nfix: start it again\n$/);
    assert.deepEqual(await readdir(home), []);
    if (linux) assert.deepEqual(await processesWith(home), []);
  });

  it('leaves no server when it is interrupted before that is ready', { skip: linux ? false : 'looks into /proc' }, async () => {
    await using here = await folder();
    const home = join(here.path, 'home');
    await mkdir(home);
    const made = new AbortController();
    const watching = watch(home, { signal: made.signal });
    await using child = start(['up', '--detach', '--port', '0', '--home', home], { cwd: here.path });
    // The folder of the database is made by the server, never by who waits for it.
    for await (const { filename } of watching) if (filename === 'postgres') break;
    made.abort();
    child.kill('SIGINT');
    const { code, stderr } = await child.ended;
    assert.equal(code, 130);
    assert.match(stderr, /^error: interrupted before the server was ready/);
    assert.deepEqual(await processesWith(home), []);
    await assert.rejects(access(join(home, 'server.json')));
  });

  it('ends cleanly on SIGINT, too, when whoever read its remarks has ended first', async () => {
    await using here = await folder();
    const env = { HEARTH_HOME: join(here.path, 'home') };
    await using child = start(['up', '--port', '0'], { cwd: here.path, env });
    await said(child, 'stderr', 'Ctrl-C ends it');
    child.stderr?.destroy();
    child.kill('SIGINT');
    assert.equal((await child.ended).code, 0);
    await assert.rejects(access(join(env.HEARTH_HOME, 'server.json')));
  });

  it('ends cleanly on SIGINT', async () => {
    await using here = await folder();
    const env = { HEARTH_HOME: join(here.path, 'home') };
    await using child = start(['up', '--port', '0'], { cwd: here.path, env });
    await said(child, 'stderr', 'Ctrl-C ends it');
    assert.ok(JSON.parse(await readFile(join(env.HEARTH_HOME, 'server.json'), 'utf8')).endpoint);
    child.kill('SIGINT');
    assert.equal((await child.ended).code, 0);
    await assert.rejects(access(join(env.HEARTH_HOME, 'server.json')));
  });
});
