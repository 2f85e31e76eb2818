import assert from 'node:assert/strict';
import { chmod, mkdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { makeHome } from './home.ts';
import { folder } from './testing/run-hearth.ts';

test('a home that is made is closed to others: code, logs and database are in it', async () => {
  await using here = await folder();
  const modeOf = async (...names: string[]): Promise<number> => (await stat(join(here.path, ...names))).mode & 0o777;
  await makeHome(join(here.path, 'above', 'home'));
  assert.equal(await modeOf('above', 'home'), process.getuid?.() === 0 ? 0o711 : 0o700);
  assert.equal(await modeOf('above'), 0o777 & ~process.umask(), 'not ours alone');
  await mkdir(join(here.path, 'theirs'));
  await chmod(join(here.path, 'theirs'), 0o755);
  await makeHome(join(here.path, 'theirs'));
  assert.equal(await modeOf('theirs'), 0o755, 'as its owner wanted it');
});
