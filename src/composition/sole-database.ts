import { existsSync, readdirSync } from 'node:fs';
import { mkdir, open, readFile, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { BLOB_FOLDERS } from '../objects/file-blobs.ts';
import type { Store, StoredResource } from '../store/store.ts';
import type { Base } from './base.ts';

/** In the database, beside the resources of all accounts and regions: which database it is. */
const MARK = { accountId: '', region: '', kind: 'database', key: 'id' };

/** Stands for a database that was used before there were marks. */
const UNKNOWN = 'unknown';

/**
 * Whether this is the only database that was ever used with the home. Only then is what no row refers to nobody's: code and uploads lie in the home, and of who
 * tries another DATABASE_URL, or begins anew and puts a backup back, all would be removed. Every database is noted in the home's file `databases`. Throws what the
 * store and the disk say.
 */
export async function soleDatabase({ config, ids, log }: Pick<Base, 'config' | 'ids' | 'log'>, store: Store): Promise<boolean> {
  const path = join(config.home, 'databases');
  const noted = await linesOf(path);
  const marked = await markOf(store);
  const id = marked ?? ids.uuid();
  if (marked === null) await store.resources.put({ ...MARK, functionId: null, document: { id } });
  const strange = noted.length === 0 && marked === null && hasFiles(config.home) && (await store.functions.all()).length === 0;
  const all = [...new Set([...noted, ...(strange ? [UNKNOWN] : []), id])];
  if (all.length > noted.length) await writeLines(path, all);
  if (all.length === 1) return true;
  log.warn(
    { home: config.home, databases: all.length },
    `this home was used with another database, too: code and uploads that only that one may refer to are kept. Remove ${path} when it is given up`,
  );
  return false;
}

async function markOf({ resources }: Store): Promise<string | null> {
  const isMark = (r: StoredResource): boolean => r.accountId === '' && r.kind === MARK.kind && r.key === MARK.key;
  const mark = (await resources.all()).find(isMark)?.document as { readonly id?: unknown } | undefined;
  return typeof mark?.id === 'string' ? mark.id : null;
}

/** Whether there is code, or anything uploaded. */
function hasFiles(home: string): boolean {
  const folders = [join(home, 'artifacts', 'code'), ...BLOB_FOLDERS.map((name) => join(home, 'objects', name))];
  return folders.some((folder) => existsSync(folder) && readdirSync(folder).length > 0);
}

async function linesOf(path: string): Promise<string[]> {
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return '';
    throw error;
  });
  return text.split('\n').filter((line) => line !== '');
}

/** Whole or not at all, and before anything is removed for it. */
async function writeLines(path: string, lines: readonly string[]): Promise<void> {
  await mkdir(join(path, '..'), { recursive: true });
  const draft = await open(`${path}.new`, 'w', 0o600);
  try {
    await draft.writeFile(`${lines.join('\n')}\n`);
    await draft.sync();
  } finally {
    await draft.close();
  }
  await rename(`${path}.new`, path);
}
