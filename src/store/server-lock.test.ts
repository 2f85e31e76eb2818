import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import type pg from 'pg';
import { rejects } from '../../test/contracts/store.contract.ts';
import { silent } from '../../test/silent-log.ts';
import { systemClock } from '../lib/clock.ts';
import { openPool } from './connection.ts';
import { startEmbedded } from './embedded.ts';
import type { Embedded } from './embedded.ts';
import { openDatabase } from './postgres-store.ts';
import { ServerLock } from './server-lock.ts';

const parts = { clock: systemClock, log: silent };

describe('server lock', () => {
  const home = mkdtempSync(join(tmpdir(), 'hearth-lock-'));
  let server: Embedded;
  let admin: pg.Pool;
  before(async () => {
    server = await startEmbedded({ home, ...parts });
    admin = openPool(server.connection('hearth'), 'test', silent);
  });
  after(async () => {
    await admin.end();
    await server.stop();
    rmSync(home, { recursive: true, force: true });
  });
  const take = (): Promise<ServerLock> => ServerLock.take({ connection: server.connection('hearth'), ...parts });
  const cutOff = async (lock: ServerLock): Promise<void> => {
    const { rows } = await lock.session.query<{ pid: number }>('select pg_backend_pid() as pid');
    await admin.query('select pg_terminate_backend($1, 5000)', [rows[0]?.pid]);
  };

  test('is taken again when its session was cut off', async () => {
    const lock = await take();
    const before = lock.session;
    await cutOff(lock);
    while (lock.session === before) await wait(5);
    lock.check();
    await rejects(take(), 'ResourceConflictException', /process \d+ on /);
    await lock.release();
    await (await take()).release();
  });

  test('when another server takes it meanwhile, this one writes no more', async () => {
    const store = await openDatabase(server.connection('hearth'), 'us-east-1', parts);
    const rival = await admin.connect();
    const { rows } = await admin.query<{ pid: number }>("select pid from pg_locks where locktype = 'advisory' and granted");
    // Waits in line, so it has the lock the moment that it is free.
    const taken = rival.query('select pg_advisory_lock($1)', [0x686561727468n.toString()]);
    await admin.query('select pg_terminate_backend($1, 5000)', [rows[0]?.pid]);
    await taken;
    for (;;) {
      const refused = await store.functions.remove('x').then(
        () => null,
        (error: Error) => error,
      );
      if (refused !== null) {
        assert.match(refused.message, /another server took it over/);
        break;
      }
      await wait(5);
    }
    await store.close();
    rival.release(true);
  });

  test('closing while the database is away does not wait for it', async () => {
    const lock = await take();
    await server.stop();
    await wait(50);
    await lock.release();
    server = await startEmbedded({ home, ...parts });
  });
});
