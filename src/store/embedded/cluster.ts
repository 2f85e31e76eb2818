import { closeSync, fsyncSync, mkdirSync, openSync, readFileSync, readdirSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { HearthError } from '../../errors.ts';
import { giveTo } from './account.ts';
import { folderArgument, runProgram } from './program.ts';
import type { Host } from './program.ts';
import { initArguments } from './settings.ts';

/** The major version that the pinned npm package carries, as PG_VERSION has it. */
const MAJOR = '18';

/** The role that Hearth works as; owner of everything. */
export const ROLE = 'hearth';

/** Where things lie below `<home>/postgres`. */
export interface Layout {
  readonly root: string;
  readonly data: string;
  readonly password: string;
  /** Links to libraries, when they can't lie beside them. */
  readonly lib: string;
}

export function layoutOf(home: string): Layout {
  const root = resolve(home, 'postgres');
  return { root, data: join(root, 'data'), password: join(root, 'password'), lib: join(root, 'lib') };
}

/**
 * Makes the data folder if there is none. It is prepared aside and renamed when it is whole, so that being killed
 * here leaves nothing half made. Returns the password, and whether the data is new.
 */
export async function ensureCluster(
  host: Host,
  layout: Layout,
  newPassword: () => string,
): Promise<{ password: string; created: boolean }> {
  mkdirSync(layout.root, { recursive: true, mode: 0o700 });
  if (!isEmpty(layout.data)) {
    assertReadable(layout);
    if (host.account !== null && statSync(layout.data).uid !== host.account.uid) giveTo(host.account, layout.data);
    return { password: readPassword(layout), created: false };
  }
  const password = newPassword();
  await create(host, layout, password);
  return { password, created: true };
}

async function create(host: Host, layout: Layout, password: string): Promise<void> {
  const draft = join(layout.root, 'new');
  const data = join(draft, 'data');
  // Retried: the initdb of a server that was killed may write on for a moment.
  rmSync(draft, { recursive: true, force: true, maxRetries: 20, retryDelay: 50 });
  mkdirSync(data, { recursive: true, mode: 0o700 });
  writeFileSync(join(draft, 'password'), password, { mode: 0o600 });
  if (host.account !== null) giveTo(host.account, draft);
  const folder = folderArgument(data);
  try {
    await runProgram(host, data, ['initdb', '-D', folder, `--pwfile=${folder}/../password`, `--username=${ROLE}`, ...initArguments()]);
    // Not copied from a template made once, though that is faster: each must have a system identifier of its own.
    await runProgram(host, data, ['initdb', '--sync-only', '-D', folder]);
  } catch (error) {
    rmSync(draft, { recursive: true, force: true });
    throw error;
  }
  writeDurably(layout.password, password);
  rmSync(layout.data, { recursive: true, force: true });
  renameSync(data, layout.data);
  rmSync(draft, { recursive: true, force: true });
}

/** Throws when the folder is not a database of the version that we run. */
function assertReadable(layout: Layout): void {
  let version: string;
  try {
    version = readFileSync(join(layout.data, 'PG_VERSION'), 'utf8').trim();
  } catch (error) {
    throw new HearthError(
      'ServiceUnavailable',
      `${layout.data} is not empty and is not a PostgreSQL database (it has no readable PG_VERSION). Move ${layout.root} away to begin anew, or put back a backup of it.`,
      { cause: error },
    );
  }
  if (version === MAJOR) return;
  throw new HearthError(
    'ServiceUnavailable',
    `${layout.data} was written by PostgreSQL ${JSON.stringify(version)}, and Hearth now carries ${MAJOR}. Dump it with the Hearth that wrote it (pg_dumpall), move ${layout.root} away, start once, and load the dump.`,
  );
}

function readPassword(layout: Layout): string {
  try {
    return readFileSync(layout.password, 'utf8');
  } catch (error) {
    throw new HearthError(
      'ServiceUnavailable',
      `The database's password can't be read from ${layout.password}. Put the file back (it is part of a backup of ${layout.root}).`,
      {
        cause: error,
      },
    );
  }
}

function isEmpty(folder: string): boolean {
  try {
    return readdirSync(folder).length === 0;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return true;
    throw new HearthError('ServiceUnavailable', `${folder} can't be read: ${(error as Error).message}`, { cause: error });
  }
}

function writeDurably(file: string, text: string): void {
  const draft = `${file}.new`;
  const fd = openSync(draft, 'w', 0o600);
  try {
    writeFileSync(fd, text);
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
  renameSync(draft, file);
}
