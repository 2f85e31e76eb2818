import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { silent } from '../../test/silent-log.ts';
import { VirtualClock } from '../lib/virtual-clock.ts';
import { DownloadCache } from './download-cache.ts';
import { openFolders } from './folders.ts';
import { FsArtifacts } from './fs-artifacts.ts';

async function opened(t: TestContext) {
  const root = await mkdtemp(join(tmpdir(), 'hearth-cache-'));
  t.after(() => rm(root, { recursive: true, force: true }));
  const fail = (error: unknown): void => assert.fail(error as Error);
  const folders = await openFolders(root, fail);
  const path = join(root, 'cache');
  const cache = new DownloadCache({ path, folders, maxBytes: 1000, unremoved: fail });
  const download = async (bytes: number): Promise<void> => {
    await mkdir(join(path, 'npm', 'x'), { recursive: true });
    await writeFile(join(path, 'npm', 'x', `${bytes}`), Buffer.alloc(bytes));
  };
  const there = (): Promise<string[] | null> => readdir(path).catch(() => null);
  return { root, cache, folders, download, there };
}

test('what was downloaded is kept up to its bound, and goes as a whole with more', async (t) => {
  const { cache, folders, download, there } = await opened(t);
  assert.equal(await cache.bound(), 0, 'there need be none');
  await download(600);
  assert.equal(await cache.bound(), 0);
  assert.deepEqual(await there(), ['npm']);
  await download(500);
  assert.equal(await cache.bound(), 1100);
  assert.equal(await there(), null);
  assert.deepEqual(await readdir(folders.tmp), []);
});

test('no install loses what it has found, though another ends before; with the last it goes', async (t) => {
  const { cache, download, there } = await opened(t);
  await download(1001);
  const [one, other] = [await cache.hold(), await cache.hold()];
  assert.equal(await cache.bound(), 0);
  one[Symbol.dispose]();
  assert.deepEqual(await there(), ['npm']);
  other[Symbol.dispose]();
  using _ = await cache.hold(); // waits until it is out of the way, and has one of its own then
  assert.equal(await there(), null);
  await download(10);
  assert.equal(await cache.bound(), 0);
  assert.deepEqual(await there(), ['npm']);
});

test('the hourly sweep bounds it', async (t) => {
  const { root, download, there } = await opened(t);
  const interpreters = { find: async () => null, found: async () => [] };
  const artifacts = await FsArtifacts.open({ root, interpreters, clock: new VirtualClock(0), log: silent, cacheBytes: 100 });
  t.after(() => artifacts.close());
  await download(101);
  assert.equal(await artifacts.sweep({ code: new Set(), dependencies: new Set() }), 101);
  assert.equal(await there(), null);
});
