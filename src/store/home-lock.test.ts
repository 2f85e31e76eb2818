import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { HearthError } from '../errors.ts';
import { lockHome } from './home-lock.ts';
import { processStart } from './process-identity.ts';

const home = mkdtempSync(join(tmpdir(), 'hearth-home-'));
after(() => rmSync(home, { recursive: true, force: true }));
const file = join(home, 'hearth.lock');
const refused = (error: unknown): boolean =>
  error instanceof HearthError && error.code === 'ResourceConflictException' && error.message.includes(String(process.pid));

test('is held once, and leaves nothing behind', () => {
  const lock = lockHome(home);
  assert.throws(() => lockHome(home), refused);
  lock.release();
  lock.release();
  assert.deepEqual(readdirSync(home), []);
  lockHome(home).release();
});

test('of a process that is gone, or whose pid is another by now, or of garbage, it is taken over', () => {
  const { pid } = spawnSync(process.execPath, ['-e', '']);
  for (const text of [
    JSON.stringify({ pid, start: 'x' }),
    JSON.stringify({ pid: process.pid, start: 'long ago' }),
    '',
    '{',
    'null',
    '{"pid": "1"}',
    '{"pid": -1, "start": ""}',
  ]) {
    writeFileSync(file, text);
    lockHome(home).release();
    assert.deepEqual(readdirSync(home), [], text);
  }
});

test('a lock that was taken over is not released by its former holder', () => {
  const lock = lockHome(home);
  rmSync(file);
  writeFileSync(file, JSON.stringify({ pid: 1, start: processStart(1) }));
  lock.release();
  assert.deepEqual(readdirSync(home), ['hearth.lock']);
  rmSync(file);
});

const namespaces = ['--pid', '--fork', '--mount-proc', ...(process.getuid?.() === 0 ? [] : ['--user', '--map-root-user'])];
const unshares = spawnSync('unshare', [...namespaces, 'true']).status === 0;

test(
  'of a server in another container, where its pid is nobody’s, it is not taken over',
  { skip: unshares ? false : 'needs unshare(1)' },
  () => {
    const elsewhere = (): string => {
      const script = `import(${JSON.stringify(import.meta.resolve('./home-lock.js'))})
      .then(({ lockHome }) => lockHome(${JSON.stringify(home)}).release())
      .then(() => console.log('taken'), (error) => console.log(error.message))`;
      return spawnSync('unshare', [...namespaces, process.execPath, '-e', script], { encoding: 'utf8' }).stdout;
    };
    const lock = lockHome(home);
    assert.match(elsewhere(), /^Another Hearth, maybe in another container, already runs on .*HEARTH_HOME/);
    assert.deepEqual(readdirSync(home), ['hearth.lock']);
    lock.release();
    assert.equal(elsewhere(), 'taken\n');
  },
);

test('the end of its process, however it ends, lets it go', () => {
  const script = `import(${JSON.stringify(import.meta.resolve('./home-lock.js'))}).then(({ lockHome }) => {
    lockHome(${JSON.stringify(home)});
    process.kill(process.pid, 'SIGKILL');
  })`;
  assert.equal(spawnSync(process.execPath, ['-e', script]).signal, 'SIGKILL');
  assert.deepEqual(readdirSync(home), ['hearth.lock']);
  lockHome(home).release();
  assert.deepEqual(readdirSync(home), []);
});
