import { chownSync, lstatSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { HearthError } from '../../errors.ts';

/** A uid and gid to run PostgreSQL as. */
export interface Account {
  readonly uid: number;
  readonly gid: number;
}

/** Who may run it for root, best first. `nobody` is on every Linux; whoever wants a uid for it alone adds a user `hearth`. */
const CANDIDATES = ['hearth', 'nobody'];

/**
 * Whom PostgreSQL runs as: null for the user we are; another account when we are root, as which it refuses to run.
 * That is the owner of the data if there is any, else one that has a passwd entry, which initdb insists on.
 */
export function chooseAccount(dataDir: string): Account | null {
  if (process.getuid?.() !== 0) return null;
  if (process.platform !== 'linux') {
    throw new HearthError(
      'ServiceUnavailable',
      'The bundled PostgreSQL does not run as root here. Start Hearth as an ordinary user, or set DATABASE_URL.',
    );
  }
  const owner = lstatSync(dataDir, { throwIfNoEntry: false });
  if (owner !== undefined && owner.uid !== 0) return { uid: owner.uid, gid: owner.gid };
  const passwd = readFileSync('/etc/passwd', 'utf8');
  for (const name of CANDIDATES) {
    const account = findAccount(passwd, name);
    if (account !== null) return account;
  }
  throw new HearthError(
    'ServiceUnavailable',
    `PostgreSQL does not run as root, and /etc/passwd has no user ${CANDIDATES.join(' or ')} to run it as. Add one, start Hearth as an ordinary user, or set DATABASE_URL.`,
  );
}

/** The account of that name in a passwd file; never root. */
export function findAccount(passwd: string, name: string): Account | null {
  for (const line of passwd.split('\n')) {
    const [entry, , uid, gid] = line.split(':');
    if (entry === name && Number(uid) > 0) return { uid: Number(uid), gid: Number(gid) };
  }
  return null;
}

/** Gives a folder and all in it to the account: what root copied or restored is root's. */
export function giveTo(account: Account, folder: string): void {
  chownSync(folder, account.uid, account.gid);
  for (const entry of readdirSync(folder, { withFileTypes: true, recursive: true })) {
    if (!entry.isSymbolicLink()) chownSync(join(entry.parentPath, entry.name), account.uid, account.gid);
  }
}
