import { createHash } from 'node:crypto';
import type { ClientBase } from 'pg';
import { HearthError } from '../errors.ts';
import type { Migration } from './migrations/migration.ts';

/** The oldest PostgreSQL that has all we use. */
const OLDEST = { number: 140_000, text: '14' };

/**
 * Brings the schema up to date and returns the names of what was applied. The session must hold the advisory lock
 * (server-lock.ts), so that one server migrates at a time. Each migration is one transaction with the record of it:
 * killed here, the next start goes on where this one stopped.
 * Throws ServiceUnavailable when the database is too old, or was migrated by a newer Hearth or by an edited file.
 */
export async function migrate(session: ClientBase, migrations: readonly Migration[]): Promise<string[]> {
  await assertVersion(session);
  await session.query('create schema if not exists hearth');
  await session.query(
    'create table if not exists hearth.migration (name text primary key, checksum text not null, applied_at timestamptz not null default now())',
  );
  const { rows } = await session.query<{ name: string; checksum: string }>('select name, checksum from hearth.migration order by name');
  assertHistory(rows, migrations);
  const done = new Set(rows.map((row) => row.name));
  const missing = migrations.filter((migration) => !done.has(migration.name));
  for (const migration of missing) await apply(session, migration);
  return missing.map((migration) => migration.name);
}

function checksum(migration: Migration): string {
  return createHash('sha256').update(migration.sql).digest('hex');
}

async function assertVersion(session: ClientBase): Promise<void> {
  const { rows } = await session.query<{ number: number; text: string }>(
    "select current_setting('server_version_num')::int as number, current_setting('server_version') as text",
  );
  const version = rows[0];
  if (version !== undefined && version.number >= OLDEST.number) return;
  throw new HearthError(
    'ServiceUnavailable',
    `The database is PostgreSQL ${version?.text}; Hearth needs ${OLDEST.text} or newer. Upgrade it, or unset DATABASE_URL to use the bundled one.`,
  );
}

function assertHistory(applied: readonly { name: string; checksum: string }[], migrations: readonly Migration[]): void {
  for (const { name, checksum: recorded } of applied) {
    const known = migrations.find((migration) => migration.name === name);
    if (known === undefined) {
      throw new HearthError(
        'ServiceUnavailable',
        `The database was migrated by a newer Hearth (${name} is not known here). Start that version, or restore a backup from before it.`,
      );
    }
    if (checksum(known) !== recorded) {
      throw new HearthError(
        'ServiceUnavailable',
        `Migration ${name} is not what was applied to this database: its file was changed afterwards. Restore the file, and put the change into a new migration.`,
      );
    }
  }
}

async function apply(session: ClientBase, migration: Migration): Promise<void> {
  await session.query('begin');
  try {
    await session.query(migration.sql);
    await session.query('insert into hearth.migration (name, checksum) values ($1, $2)', [migration.name, checksum(migration)]);
    await session.query('commit');
  } catch (error) {
    await session.query('rollback').catch(() => {});
    throw new HearthError(
      'ServiceUnavailable',
      `Migration ${migration.name} failed; the database is as it was before it: ${(error as Error).message}`,
      { cause: error },
    );
  }
}
