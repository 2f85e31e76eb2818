import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { syncTree } from './sync-tree.ts';

test('writes a tree through to the disk, whatever is in it; one that is not there is an error', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'hearth-sync-'));
  try {
    await mkdir(join(folder, 'a/b'), { recursive: true });
    await writeFile(join(folder, 'a/b/c'), 'c');
    await symlink('nowhere', join(folder, 'a/link'));
    await syncTree(folder);
    await assert.rejects(syncTree(join(folder, 'none')), { code: 'ENOENT' });
  } finally {
    await rm(folder, { recursive: true });
  }
});
