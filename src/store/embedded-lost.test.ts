import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { until } from '../../test/scenarios/until.ts';
import { silent } from '../../test/silent-log.ts';
import { systemClock } from '../lib/clock.ts';
import { createLogger } from '../observe/logger.ts';
import { openPool, openSession, type DatabaseConnection } from './connection.ts';
import { startEmbedded } from './embedded.ts';

const scratch = mkdtempSync(join(tmpdir(), 'hearth-embedded-lost-'));
after(() => rmSync(scratch, { recursive: true, force: true, maxRetries: 20 }));

test('what it says of each whom it turns away, and of each connection that it ends, is logged once, not each time', async () => {
  const home = join(scratch, 'said-once');
  const logPath = join(scratch, 'said-once.log');
  const log = createLogger('info', logPath);
  const embedded = await startEmbedded({ home, clock: systemClock, log });
  const right = embedded.connection('app') as Exclude<DatabaseConnection, { connectionString: string }>;
  const wrong = openPool({ ...right, password: 'guess' }, 'wrong', log);
  for (let i = 0; i < 8; i++) await assert.rejects(wrong.query('select 1'), /password authentication failed/);
  await wrong.end();
  const pool = openPool(right, 'idle', log);
  for (const client of await Promise.all([1, 2, 3].map(() => pool.connect()))) client.release();
  const lost = new Promise((resolve) => pool.on('error', () => pool.totalCount === 0 && resolve(null)));
  const other = await openSession(right, 'other', () => {});
  await other.query("select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'idle'");
  await other.end();
  await lost;
  await pool.end();
  await embedded.stop();
  const said = readFileSync(logPath, 'utf8').trim().split('\n');
  const count = (what: string): number => said.filter((line) => line.includes(what)).length;
  // Once in ten seconds, which may pass meanwhile on a slow machine.
  assert.ok(count('password authentication failed') < 8, said.join('\n'));
  assert.ok(count('an idle database connection was lost') < 3, said.join('\n'));
});

test('told to end while it recovers from the death of a session, it ends without waiting to be killed, and nothing is lost', async () => {
  const home = join(scratch, 'recovers');
  const logPath = join(scratch, 'recovers.log');
  const embedded = await startEmbedded({ home, clock: systemClock, log: createLogger('debug', logPath) });
  const session = await openSession(embedded.connection('app'), 'session', () => {});
  await session.query('create table kept (n int)');
  const { rows } = await session.query<{ pid: number }>('select pg_backend_pid() as pid');
  process.kill(rows[0]!.pid, 'SIGKILL');
  await until(() => readFileSync(logPath, 'utf8').includes('reinitializing'));
  await embedded.stop();
  assert.doesNotMatch(readFileSync(logPath, 'utf8'), /received fast shutdown request[^]*received immediate shutdown request/);
  const again = await startEmbedded({ home, clock: systemClock, log: silent });
  const next = await openSession(again.connection('app'), 'next', () => {});
  assert.deepEqual((await next.query('select count(*)::int as n from kept')).rows, [{ n: 0 }]);
  await next.end();
  await again.stop();
});
