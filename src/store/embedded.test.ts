import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { chmodSync, chownSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { after, describe, test } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { closedToOthers } from '../../test/closed-to-others.ts';
import { aRecord, rejects } from '../../test/contracts/store.contract.ts';
import { ownerOf } from '../../test/scenarios/app-database.ts';
import { silent } from '../../test/silent-log.ts';
import { systemClock } from '../lib/clock.ts';
import { UsageRecorder } from '../metering/usage-recorder.ts';
import { openPool, openSession, type DatabaseConnection } from './connection.ts';
import { findAccount } from './embedded/account.ts';
import { startEmbedded } from './embedded.ts';
import { openStore } from './postgres-store.ts';
import { processStart } from './process-identity.ts';

const FIXTURE = fileURLToPath(new URL('../../test/fixtures/store-process.js', import.meta.url));
const parts = { clock: systemClock, log: silent };

// mkdtemp makes a folder that only root can enter when root runs this: as a home under /root would be.
const scratch = mkdtempSync(join(tmpdir(), 'hearth-embedded-'));
const children: ChildProcess[] = [];
after(() => {
  for (const child of children) child.kill('SIGKILL');
  rmSync(scratch, { recursive: true, force: true, maxRetries: 20 });
});

interface Said {
  readonly pid: number;
  readonly functions: number;
  readonly mechanism: string;
  readonly error?: string;
}

describe('embedded PostgreSQL', () => {
  for (const mechanism of ['setpriv', 'watchdog']) {
    test(`kill -9 leaves no orphan, and the next start finds its data (${mechanism})`, async (t) => {
      const home = join(scratch, mechanism);
      for (const round of [0, 1, 2]) {
        const { child, said } = await storeProcess(home, mechanism);
        if (said.mechanism !== mechanism) return t.skip(`this machine has no setpriv with --pdeathsig`);
        assert.deepEqual([said.error, said.functions], [undefined, round]);
        child.kill('SIGKILL');
        // The next start does not wait for the end of the last one: that is its own business.
        if (round === 2) await gone(said.pid);
      }
    });
  }

  test('a second server on one home is refused, with the pid of the first, which goes on', async () => {
    const home = join(scratch, 'two');
    const first = await storeProcess(home);
    const second = await storeProcess(home);
    assert.match(second.said.error ?? '', new RegExp(`process ${first.child.pid}\\) already runs on .*HEARTH_HOME`));
    first.child.kill('SIGTERM');
    await exited(first.child);
    assert.equal(processStart(first.said.pid), null);
    assert.deepEqual(readdirSync(home), ['postgres']);
  });

  test('of four that start at once, one runs', async () => {
    const home = join(scratch, 'four');
    const all = await Promise.all([1, 2, 3, 4].map(() => storeProcess(home)));
    assert.equal(all.filter(({ said }) => said.error === undefined).length, 1, JSON.stringify(all.map(({ said }) => said)));
    for (const { child } of all) child.kill('SIGKILL');
    await Promise.all(all.filter(({ said }) => said.error === undefined).map(({ said }) => gone(said.pid)));
  });

  test('killed while it makes its data, it begins anew', async () => {
    const home = join(scratch, 'early');
    const child = spawn(process.execPath, [FIXTURE, home], { stdio: 'ignore' });
    await until(() => exists(join(home, 'postgres', 'new', 'data')));
    child.kill('SIGKILL');
    await exited(child);
    const { said, child: next } = await storeProcess(home);
    assert.deepEqual([said.error, said.functions], [undefined, 0]);
    next.kill('SIGTERM');
    await exited(next);
    assert.deepEqual(
      readdirSync(join(home, 'postgres'))
        .filter((name) => name !== 'lib')
        .sort(),
      ['data', 'password'],
    );
  });

  test(
    'runs as an ordinary user',
    { skip: process.getuid?.() !== 0 ? 'is run by one already' : undefinedIfNobody() || closedToOthers() },
    async () => {
      const nobody = findAccount(readFileSync('/etc/passwd', 'utf8'), 'nobody');
      assert.ok(nobody);
      const folder = mkdtempSync(join(tmpdir(), 'hearth-nobody-'));
      chmodSync(folder, 0o700);
      chownSync(folder, nobody.uid, nobody.gid);
      try {
        for (const round of [0, 1]) {
          const { child, said } = await storeProcess(join(folder, 'home'), 'setpriv', nobody);
          assert.deepEqual([said.error, said.functions], [undefined, round]);
          child.kill('SIGTERM');
          await exited(child);
        }
      } finally {
        rmSync(folder, { recursive: true, force: true });
      }
    },
  );

  test('a home too deep for a socket address works', { skip: process.platform === 'linux' ? false : 'needs /proc' }, async () => {
    const embedded = await startEmbedded({ home: join(scratch, 'x'.repeat(120)), ...parts });
    const session = await openSession(embedded.connection('app'), 'test', () => {});
    const { rows } = await session.query(
      "select current_setting('wal_level') as wal, current_setting('fsync') as fsync, current_setting('listen_addresses') as tcp",
    );
    assert.deepEqual(rows, [{ wal: 'logical', fsync: 'on', tcp: '' }]);
    await session.end();
    await embedded.stop();
    await embedded.stop();
  });

  test('garbage where the data should be is named, and left alone', async () => {
    const home = join(scratch, 'garbage');
    const data = join(home, 'postgres', 'data');
    mkdirSync(data, { recursive: true });
    writeFileSync(join(data, 'holiday.txt'), 'photos');
    await rejects(startEmbedded({ home, ...parts }), 'ServiceUnavailable', /data is not empty and is not a PostgreSQL database/);
    writeFileSync(join(data, 'PG_VERSION'), '9.6\n');
    await rejects(startEmbedded({ home, ...parts }), 'ServiceUnavailable', /written by PostgreSQL "9.6".*carries 18/);
    writeFileSync(join(data, 'PG_VERSION'), '18\n');
    writeFileSync(join(home, 'postgres', 'password'), 'any');
    await rejects(startEmbedded({ home, ...parts }), 'ServiceUnavailable', /did not start on .*garbage.*move the folder away/);
    assert.equal(readFileSync(join(data, 'holiday.txt'), 'utf8'), 'photos');
  });

  test('a pid file whose pid is another process by now does not keep it from starting', async () => {
    const home = join(scratch, 'pid');
    await (await startEmbedded({ home, ...parts })).stop();
    const stranger = spawn('sleep', ['60'], { cwd: '/', stdio: 'ignore', ...(process.getuid?.() === 0 ? { uid: 65534, gid: 65534 } : {}) });
    children.push(stranger);
    for (const name of ['postmaster.pid', '.s.PGSQL.5432.lock']) {
      const file = join(home, 'postgres', 'data', name);
      writeFileSync(file, `${stranger.pid}\n/proc/self/cwd\n1700000000\n5432\n/proc/self/cwd\n\n`);
      if (process.getuid?.() === 0) chownSync(file, 65534, 65534);
    }
    await (await startEmbedded({ home, ...parts })).stop();
    assert.notEqual(processStart(stranger.pid ?? 0), null);
    stranger.kill('SIGKILL');
  });

  test('the database is killed under a recorder: it comes back, and nothing is lost', async () => {
    const store = await openStore({ home: join(scratch, 'crash'), databaseUrl: null, region: 'us-east-1' }, parts);
    const recorder = new UsageRecorder({ store: store.usage, ...parts, flushMs: 20, batchRecords: 50 });
    const before = store.embedded?.pid ?? 0;
    let sent = 0;
    const send = (count: number): void => {
      for (let i = 0; i < count; i++, sent++) recorder.record(aRecord({ functionName: 'crash', startedAtMs: Date.now() }));
    };
    send(120);
    await until(() => recorder.stats.written > 0);
    send(500);
    process.kill(before, 'SIGKILL');
    while (store.embedded?.pid === before || store.embedded?.pid === 0) {
      send(1);
      await wait(5);
    }
    send(100);
    await recorder.close();
    const [total] = await store.usage.totals({ fromMs: 0, toMs: Date.now() + 1_000 });
    assert.deepEqual([total?.invocations, recorder.stats], [sent, { buffered: 0, written: sent, lost: 0 }]);
    await store.close();
  });

  const proc = { skip: process.platform === 'linux' ? false : 'needs /proc' };

  test('killed while a session computes, which does not notice, it is started again all the same', proc, async () => {
    const embedded = await startEmbedded({ home: join(scratch, 'computes'), ...parts });
    await computing(embedded.connection('app'));
    const { pid } = embedded;
    process.kill(pid, 'SIGKILL');
    await until(() => embedded.pid !== pid && embedded.pid !== 0);
    const again = await openSession(embedded.connection('app'), 'again', () => {});
    assert.deepEqual((await again.query('select 1 as one')).rows, [{ one: 1 }]);
    await again.end();
    await embedded.stop();
  });

  test('and so is the next server’s, where the first was killed together with it', proc, async () => {
    const home = join(scratch, 'computed');
    const { child, said } = await storeProcess(home);
    await computing({ ...ownerOf(home), port: 5432 } as DatabaseConnection);
    process.kill(said.pid, 'SIGKILL');
    child.kill('SIGKILL');
    await exited(child);
    await (await startEmbedded({ home, ...parts })).stop();
  });

  test('nobody comes in without the password', async () => {
    const embedded = await startEmbedded({ home: join(scratch, 'password'), ...parts });
    const pool = openPool(
      {
        ...(embedded.connection('hearth') as { host: string; port: number; user: string; password: string; database: string }),
        password: 'guess',
      },
      'test',
      silent,
    );
    await assert.rejects(pool.query('select 1'), /password authentication failed/);
    await pool.end();
    await embedded.stop();
  });
});

/** Leaves a session that computes for ever. */
async function computing(connection: DatabaseConnection): Promise<void> {
  const session = await openSession(connection, 'computes', () => {});
  session.query('do $$ begin loop end loop; end $$').catch(() => {});
  const other = await openSession(connection, 'looks', () => {});
  const active = "select 1 from pg_stat_activity where application_name = 'computes' and state = 'active'";
  while ((await other.query(active)).rows.length === 0) await wait(5);
  await other.end();
}

function undefinedIfNobody(): string | false {
  return findAccount(readFileSync('/etc/passwd', 'utf8'), 'nobody') === null ? 'there is no user nobody' : false;
}

async function storeProcess(
  home: string,
  mechanism = 'setpriv',
  account: { uid: number; gid: number } | null = null,
): Promise<{ child: ChildProcess; said: Said }> {
  const child = spawn(process.execPath, [FIXTURE, home, mechanism], { stdio: ['ignore', 'pipe', 'inherit'], cwd: '/', ...account });
  children.push(child);
  assert.ok(child.stdout);
  for await (const line of createInterface({ input: child.stdout })) return { child, said: JSON.parse(line) as Said };
  throw new Error('the store process ended without a word');
}

function exited(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    if (child.exitCode !== null || child.signalCode !== null) resolve();
    else child.once('exit', () => resolve());
  });
}

function gone(pid: number): Promise<void> {
  return until(() => processStart(pid) === null);
}

/** Waits for what must come; the test runner's own limit ends a wait that is in vain. */
async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await wait(5);
}

function exists(path: string): boolean {
  try {
    readdirSync(path);
    return true;
  } catch {
    return false;
  }
}
