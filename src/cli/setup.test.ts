import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { access, mkdir, symlink, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { folder } from './testing/run-hearth.ts';

interface Setup {
  readonly installIsStale: (root: string) => boolean;
  readonly buildIsStale: (root: string) => boolean;
  readonly ensure: (options: { root: string; stderr: { write(text: string): void } }) => Promise<void>;
}

interface Lock {
  readonly lock: (path: string, onWait: (pid: number) => void) => Promise<{ release(): void }>;
}

const script = async <T>(name: string): Promise<T> => (await import(new URL(`../../../scripts/${name}`, import.meta.url).href)) as T;

/** A clone with packages there and a compiler that copies: what `ensure` needs, without the network. */
async function clone(compiler: string): ReturnType<typeof folder> {
  const here = await folder();
  await mkdir(join(here.path, 'node_modules/typescript/bin'), { recursive: true });
  await mkdir(join(here.path, 'src'));
  await writeFile(join(here.path, 'package-lock.json'), '{}');
  await writeFile(join(here.path, 'tsconfig.json'), '{}');
  await writeFile(join(here.path, 'src/a.ts'), '1');
  await writeFile(join(here.path, 'node_modules/.package-lock.json'), '{}');
  await writeFile(join(here.path, 'node_modules/typescript/bin/tsc'), compiler);
  return here;
}

const COPIES = `const fs = require('fs'); fs.appendFileSync('runs', 'x'); fs.mkdirSync('dist/src', { recursive: true });
for (const f of fs.readdirSync('src')) fs.copyFileSync('src/' + f, 'dist/src/' + f.replace('.ts', '.js'));`;

describe('setup', () => {
  it('builds what is stale, once also for two at once, and removes what has no source any more', async () => {
    const { ensure, buildIsStale } = await script<Setup>('setup.mjs');
    await using here = await clone(COPIES);
    const { path: root } = here;
    const said: string[] = [];
    const options = { root, stderr: { write: (text: string) => void said.push(text) } };
    await Promise.all([ensure(options), ensure(options)]);
    assert.equal(said.filter((s) => s.includes('building')).length, 1, said.join(''));
    assert.equal(buildIsStale(root), false);
    await writeFile(join(root, 'dist/src/gone.js'), 'old');
    await utimes(join(root, 'src/a.ts'), 5, 5);
    assert.equal(buildIsStale(root), true);
    await ensure(options);
    await assert.rejects(access(join(root, 'dist/src/gone.js')));
    await access(join(root, 'dist/src/a.js'));
    await assert.rejects(access(join(root, 'dist/.setup-lock')));
  });

  it('shows the last lines of a build that failed, and tries again the next time', async () => {
    const { ensure, buildIsStale } = await script<Setup>('setup.mjs');
    await using here = await clone(`console.log('src/a.ts(1,1): error TS1: no'); process.exit(2)`);
    const options = { root: here.path, stderr: { write: () => {} } };
    await assert.rejects(
      ensure(options),
      (error: Error & { fix: string }) => /error TS1: no\n\(exit code 2\)/.test(error.message) && error.fix !== '',
    );
    assert.equal(buildIsStale(here.path), true);
    await assert.rejects(access(join(here.path, 'dist/.setup-lock')));
  });

  it('installs when packages are missing or older than the lock file, and leaves a link alone', async () => {
    const { installIsStale } = await script<Setup>('setup.mjs');
    await using here = await clone('');
    assert.equal(installIsStale(here.path), false);
    await utimes(join(here.path, 'node_modules/.package-lock.json'), 5, 5);
    assert.equal(installIsStale(here.path), true);
    await using empty = await folder();
    await writeFile(join(empty.path, 'package-lock.json'), '{}');
    assert.equal(installIsStale(empty.path), true);
    await symlink('/nowhere', join(empty.path, 'node_modules'));
    assert.equal(installIsStale(empty.path), false);
  });

  it('takes over the lock of a process that is gone', async () => {
    const { lock } = await script<Lock>('setup-lock.mjs');
    await using here = await folder();
    const child = spawn(process.execPath, ['-e', '']);
    await once(child, 'exit');
    const path = join(here.path, 'lock');
    await mkdir(path);
    await writeFile(join(path, 'pid'), String(child.pid));
    const held = await lock(path, () => assert.fail('it waited for the dead'));
    held.release();
    await assert.rejects(access(path));
  });
});
