import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { describe, it } from 'node:test';
import { openTestDatabase } from '../../test/fixtures/test-database.ts';

/** Takes every file that it may open, then asks the database of its first argument for a session. */
const WITHOUT_FILES = `
  import { openSync } from 'node:fs';
  const [errors, connection] = await Promise.all(['./database-error.js', './connection.js'].map((name) => import(new URL(name, process.argv[2]))));
  try { for (;;) openSync('/dev/null', 'r'); } catch {}
  const session = connection.openSession(JSON.parse(process.argv[1]), 'test', () => {});
  console.log(await session.then(() => 'connected', (error) => error.code + ' ' + errors.databaseError(error).code));
`;

describe('what the database throws', () => {
  it(
    'is that it is not available where this process has no file left for a connection',
    { skip: process.platform === 'win32' },
    async () => {
      const database = await openTestDatabase();
      const node = ['--input-type=module', '-e', WITHOUT_FILES, JSON.stringify(database.connection), import.meta.url];
      const limited = ['-c', 'ulimit -n 64 && exec "$@"', 'sh', process.execPath, ...node];
      try {
        assert.equal(execFileSync('sh', limited, { encoding: 'utf8' }).trim(), 'EMFILE ServiceUnavailable');
      } finally {
        await database.close();
      }
    },
  );
});
