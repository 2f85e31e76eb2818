import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { closedToOthers } from '../../test/closed-to-others.ts';
import { HearthError } from '../errors.ts';
import { systemClock } from '../lib/clock.ts';
import { clearWorkshops, openWorkshop } from './workshop.ts';

const root = process.getuid?.() === 0;

async function folder(t: TestContext): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'hearth-workshop-test-'));
  await chmod(path, 0o777);
  t.after(() => rm(path, { recursive: true, force: true }));
  return path;
}

function leftBy(cache: string) {
  return openWorkshop({ cache, clock: systemClock, signal: new AbortController().signal, timeoutMs: 60_000 });
}

test('what a killed server left is removed, and nothing of another’s', async (t) => {
  const home = await folder(t);
  const [ours, theirs] = [await leftBy(join(home, 'a')), await leftBy(join(home, 'b'))];
  await writeFile(join(ours.folder, 'half'), '');
  await clearWorkshops(join(home, 'a'), (error) => assert.fail(error as Error));
  await assert.rejects(readdir(ours.folder), { code: 'ENOENT' });
  assert.deepEqual(await readdir(theirs.folder), []);
  await theirs[Symbol.asyncDispose]();
});

test(
  'what can’t be removed, another user’s by the name, is told and in the way of nothing',
  { skip: root ? closedToOthers() : 'needs another user' },
  async (t) => {
    const home = await folder(t);
    await using workshop = await leftBy(join(home, 'cache'));
    await mkdir(join(workshop.folder, 'within'));
    const script = `import(${JSON.stringify(import.meta.resolve('./workshop.js'))})
    .then(({ clearWorkshops }) => clearWorkshops(${JSON.stringify(join(home, 'cache'))}, (error) => console.log(error.code)))
    .then(() => console.log('went on'), (error) => console.log('failed', error.code))`;
    const { stdout } = spawnSync(process.execPath, ['-e', script], { uid: 65534, gid: 65534, cwd: '/', encoding: 'utf8' });
    assert.match(stdout, /^E(ACCES|PERM)\nwent on\n$/);
  },
);

test('what can’t be built for want of a temporary folder says so', async (t) => {
  const home = await folder(t);
  const before = process.env['TMPDIR'];
  t.after(() => (before === undefined ? delete process.env['TMPDIR'] : (process.env['TMPDIR'] = before)));
  await writeFile(join(home, 'file'), '');
  for (const [name, code] of [
    ['nowhere', 'ENOENT'],
    ['file', 'ENOTDIR'],
  ] as const) {
    process.env['TMPDIR'] = join(home, name);
    await assert.rejects(leftBy(join(home, 'cache')), (error: Error) => {
      assert.match(error.message, new RegExp(`^the temporary folder ${join(home, name)} can't be used: ${code}[^\\n]*TMPDIR`));
      return error instanceof HearthError;
    });
  }
});

const setpriv = spawnSync('setpriv', ['--pdeathsig=KILL', 'true']).status === 0;

test('a tool ends with the server that is killed', { skip: setpriv ? root && closedToOthers() : 'needs setpriv(1)' }, async (t) => {
  const home = await folder(t);
  const script = `Promise.all([import(${JSON.stringify(import.meta.resolve('./workshop.js'))}), import(${JSON.stringify(import.meta.resolve('../lib/clock.js'))})])
    .then(async ([{ openWorkshop }, { systemClock: clock }]) => {
      const workshop = await openWorkshop({ cache: ${JSON.stringify(join(home, 'cache'))}, clock, signal: new AbortController().signal, timeoutMs: 60_000 });
      await workshop.run('/bin/sh', ['-c', 'echo $$ > ${home}/pid; exec sleep 600']);
    })`;
  const user = root ? { uid: 65534, gid: 65534 } : {};
  const server = spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'ignore', 'inherit'], cwd: '/', ...user });
  const ended = new Promise((resolve) => server.once('exit', resolve));
  const pid = await said(join(home, 'pid'));
  server.kill('SIGKILL');
  await ended;
  while (await alive(pid)) await new Promise((resolve) => setImmediate(resolve));
  await clearWorkshops(join(home, 'cache'), (error) => assert.fail(error as Error));
});

/** The pid that a tool writes to a file. */
async function said(path: string): Promise<number> {
  for (;;) {
    const pid = Number(await readFile(path, 'utf8').catch(() => ''));
    if (pid > 0) return pid;
    await new Promise((resolve) => setImmediate(resolve));
  }
}

async function alive(pid: number): Promise<boolean> {
  const state = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => null);
  return state !== null && !/^\d+ \(.*\) Z/.test(state);
}
