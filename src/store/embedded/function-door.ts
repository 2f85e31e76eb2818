import { chownSync, chmodSync, mkdirSync, rmdirSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { openSession, type DatabaseConnection } from '../connection.ts';
import type { Account } from './account.ts';
import { fitsSocket } from './socket-folder.ts';

/** Whom functions are to the database: no superuser, and let into `app` alone. */
const ROLE = 'hearth_functions';

/**
 * Most connections of all functions together. Below max_connections by more than Hearth uses itself: a thousand instances that connect at once are
 * refused, not Hearth.
 */
const CONNECTIONS = 30;

/** Where functions come in: a second socket, in a folder that their sandbox lets them see. Null when its path is too long to be connected to. */
export function doorIn(runDirectory: string): string | null {
  const folder = join(runDirectory, 'db');
  return fitsSocket(folder) ? folder : null;
}

/**
 * Makes the folder anew for a server that is about to start. What another one left in it (we hold the home's lock, so it is dead) could keep this one from
 * starting: a lock file with a pid that is somebody else's by now.
 */
export function prepareDoor(folder: string, account: Account | null): void {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(dirname(folder), { recursive: true, mode: 0o711 });
  mkdirSync(folder, { mode: 0o711 });
  chmodSync(folder, 0o711); // whatever the umask
  if (account !== null) chownSync(folder, account.uid, account.gid);
}

/** Removes the folder, and the one above unless others use it. */
export function removeDoor(folder: string): void {
  rmSync(folder, { recursive: true, force: true });
  try {
    rmdirSync(dirname(folder));
  } catch {
    // Not empty, or gone already.
  }
}

/**
 * Makes the role of functions what it must be and gives it a password for this run of the server; resolves with the connection string. What it may do is
 * granted once, when it is made: what its owner takes away later stays away.
 */
export async function admitFunctions(app: DatabaseConnection, folder: string, password: string): Promise<string> {
  const session = await openSession(app, 'hearth start', () => {});
  try {
    await session.query('begin');
    const { rows } = await session.query('select from pg_roles where rolname = $1', [ROLE]);
    if (rows.length === 0) {
      await session.query(`create role ${ROLE}`);
      await session.query(GRANTS);
    }
    // Everybody may connect to a new database unless that is taken away: there is nothing for functions in Hearth's own.
    await session.query('revoke connect, temporary on database hearth, postgres, template1 from public');
    await session.query(`revoke connect, temporary on database hearth, postgres, template1 from ${ROLE}`);
    const bare = 'login nosuperuser nocreatedb nocreaterole noreplication nobypassrls';
    await session.query(`alter role ${ROLE} ${bare} connection limit ${CONNECTIONS} password '${password}'`);
    await session.query('commit');
  } finally {
    await session.end();
  }
  return `postgresql://${ROLE}:${password}@/app?host=${encodeURIComponent(folder)}`;
}

/** Its own tables are its own; those that the owner of the server makes in `public`, now and later, it may read and write. */
const GRANTS = `
  grant connect, create, temporary on database app to ${ROLE};
  grant usage, create on schema public to ${ROLE};
  grant select, insert, update, delete on all tables in schema public to ${ROLE};
  grant usage, select, update on all sequences in schema public to ${ROLE};
  alter default privileges in schema public grant select, insert, update, delete on tables to ${ROLE};
  alter default privileges in schema public grant usage, select, update on sequences to ${ROLE};`;
