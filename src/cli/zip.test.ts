import assert from 'node:assert/strict';
import { chmod, mkdir, rename, symlink, utimes, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { describe, it } from 'node:test';
import { fromBufferPromise, type Entry } from 'yauzl';
import { readAll } from '../client/body.ts';
import { listFiles } from './package-folder.ts';
import { folder } from './testing/run-hearth.ts';
import { zipOf } from './zip.ts';

async function write(root: string, files: Readonly<Record<string, string>>): Promise<void> {
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(root, path)), { recursive: true });
    await writeFile(join(root, path), text);
  }
}

async function pack(root: string): Promise<Buffer> {
  return readAll(zipOf(await listFiles(root)));
}

async function entriesOf(zip: Buffer): Promise<Map<string, { entry: Entry; text: string }>> {
  const reader = await fromBufferPromise(zip);
  const found = new Map<string, { entry: Entry; text: string }>();
  for await (const entry of reader.eachEntry()) {
    found.set(entry.fileName, { entry, text: String(await readAll(await reader.openReadStreamPromise(entry))) });
  }
  return found;
}

describe('a package of a folder', () => {
  it('has its files, less what is made elsewhere and what .hearthignore names', async () => {
    await using here = await folder();
    await write(here.path, {
      'index.mjs': 'export {}',
      'lib/a.js': 'a',
      '.env': 'KEEP=1',
      'package.json': '{}',
      'node_modules/x/index.js': 'x',
      'lib/node_modules/y.js': 'y',
      '.git/HEAD': 'ref',
      '__pycache__/a.pyc': 'p',
      '.venv/bin/python': 'p',
      '.vscode/settings.json': '{}',
      'index.mjs~': 'old',
      '.index.mjs.swp': 'swp',
      '.DS_Store': 'mac',
      'notes.md': 'n',
      'keep.md': 'k',
      'data/big.bin': 'b',
      '.hearthignore': '# remarks\n*.md\n!keep.md\ndata/\n',
    });
    const entries = await entriesOf(await pack(here.path));
    assert.deepEqual([...entries.keys()], ['.env', 'index.mjs', 'keep.md', 'lib/a.js', 'package.json']);
    assert.equal(entries.get('lib/a.js')?.text, 'a');
  });

  it('has the same bytes whenever it is made, wherever it lies', async () => {
    await using here = await folder();
    await write(here.path, { 'one/b.js': 'b'.repeat(10_000), 'one/a.js': 'a' });
    const first = await pack(join(here.path, 'one'));
    await utimes(join(here.path, 'one/a.js'), 1, 1);
    await rename(join(here.path, 'one'), join(here.path, 'two'));
    assert.ok(first.equals(await pack(join(here.path, 'two'))));
    await writeFile(join(here.path, 'two/a.js'), 'A');
    assert.ok(!first.equals(await pack(join(here.path, 'two'))));
  });

  it('keeps what is executable, and follows links', async () => {
    await using here = await folder();
    await write(here.path, { 'f/bootstrap': '#!/bin/sh', 'f/plain': 'p', 'shared/model.bin': 'm' });
    await chmod(join(here.path, 'f/bootstrap'), 0o755);
    await symlink('../shared', join(here.path, 'f/models'));
    const entries = await entriesOf(await pack(join(here.path, 'f')));
    const mode = (name: string): number => ((entries.get(name)?.entry.externalFileAttributes ?? 0) >>> 16) & 0o777;
    assert.deepEqual([mode('bootstrap'), mode('plain')], [0o755, 0o644]);
    assert.equal(entries.get('models/model.bin')?.text, 'm');
  });

  it('names a link that leads nowhere or back, unless it is left out', async () => {
    await using here = await folder();
    await write(here.path, { 'f/a': 'a' });
    await symlink('..', join(here.path, 'f/up'));
    await assert.rejects(listFiles(join(here.path, 'f')), /a link leads into its own folder: .*up/);
    await write(here.path, { 'f/.hearthignore': '/up\n' });
    await symlink('gone', join(here.path, 'f/dangling'));
    await assert.rejects(listFiles(join(here.path, 'f')), /a link leads nowhere: .*dangling/);
    await write(here.path, { 'f/.hearthignore': '/up\ndangling\n' });
    assert.deepEqual(
      (await listFiles(join(here.path, 'f'))).map((f) => f.path),
      ['a'],
    );
  });

  it('has large files whole, whether they are deflated or not', async () => {
    await using here = await folder();
    const text = 'so it goes, '.repeat(200_000);
    await write(here.path, { 'long.txt': text, 'long.png': text, 'short.txt': text.slice(0, 10_000), empty: '' });
    const entries = await entriesOf(await pack(here.path));
    assert.ok(entries.get('long.txt')?.text === text && entries.get('long.png')?.text === text);
    assert.ok(entries.get('short.txt')?.text === text.slice(0, 10_000));
    assert.equal(entries.get('empty')?.text, '');
    const stored = (name: string): number => entries.get(name)?.entry.compressedSize ?? 0;
    assert.ok(stored('long.txt') < 100_000 && stored('short.txt') < 1_000 && stored('long.png') === text.length);
  });

  it('goes out in few pieces, however many files it has', async () => {
    await using here = await folder();
    await write(here.path, Object.fromEntries(Array.from({ length: 600 }, (_, i) => [`f${i}`, `file ${i}`])));
    let pieces = 0;
    for await (const _ of zipOf(await listFiles(here.path))) pieces++;
    assert.equal(pieces, 1);
  });

  it('says what a file was that went away meanwhile', async () => {
    await using here = await folder();
    await write(here.path, { a: 'a' });
    const files = await listFiles(here.path);
    await rename(join(here.path, 'a'), join(here.path, 'b'));
    await assert.rejects(readAll(zipOf(files)), /can't pack the folder: .*ENOENT/);
  });
});
