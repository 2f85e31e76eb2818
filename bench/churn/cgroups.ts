import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';

/** A folder of Hearth's: a server's, with its process's id. */
const MADE_BY = /^hearth-(\d+)-\d+$/;

/** Control groups within those that Hearth made, of whatever hierarchy under `root`, and have nothing to do with another server that is alive: whose process is one of `family`, or gone. */
export async function leftCgroups(root: string, family: readonly number[]): Promise<number> {
  let count = 0;
  for (const folder of await foldersIn(root)) {
    const pid = MADE_BY.exec(folder.name)?.[1];
    if (pid === undefined) count += await leftCgroups(folder.path, family);
    else if (family.includes(Number(pid)) || !existsSync(`/proc/${pid}`)) count += await countWithin(folder.path);
  }
  return count;
}

async function countWithin(path: string): Promise<number> {
  let count = 0;
  for (const folder of await foldersIn(path)) count += 1 + (await countWithin(folder.path));
  return count;
}

/** None where there is no such folder any more: they come and go, and not only Hearth's. */
async function foldersIn(path: string): Promise<{ name: string; path: string }[]> {
  const entries = await readdir(path, { withFileTypes: true }).catch(() => []);
  return entries.filter((entry) => entry.isDirectory()).map(({ name }) => ({ name, path: join(path, name) }));
}
