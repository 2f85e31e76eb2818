import assert from 'node:assert/strict';
import { chownSync, chmodSync, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { runDirectory } from '../../src/composition/run-directory.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { startEmbedded } from '../../src/store/embedded.ts';
import { silent } from '../silent-log.ts';
import { descendants, leavings, processOf, running, stillThere } from './leavings.ts';
import { ServerProcess } from './platform-process.ts';
import { handlerOf, languages, TestServer } from './platform-server.ts';
import { until } from './until.ts';

const NODE = `nodejs${process.versions.node.split('.')[0]}.x`;
const homes: string[] = [];

function newHome(): string {
  const home = mkdtempSync(join(tmpdir(), 'hearth-scenario-'));
  homes.push(home);
  return home;
}

after(async () => {
  await ServerProcess.endAll(); // of tests that failed, and what killed ones leave
  for (const home of homes) rmSync(home, { recursive: true, force: true });
  assert.deepEqual(
    descendants(process.pid).filter((p) => p.state !== 'Z'),
    [],
  );
});

const left = (home: string): string[] => leavings(home, runDirectory(home, process.env));

describe('kill -9 of the server', () => {
  test('leaves no process; the next start works and has everything, usage older than the flush interval too', async () => {
    const home = newHome();
    const first = await ServerProcess.start({ home });
    const called: { name: string; requestId: string | null }[] = [];
    for (const { language, runtime, skip } of await languages()) {
      if (skip !== false) continue;
      const marker = language === 'node' ? `86031.${process.pid}` : `86032.${process.pid}`;
      const common = { runtime, handler: handlerOf(language), timeoutSeconds: 60 };
      await first.deploy(`tells-${language}`, 'tells', common);
      await first.deploy(`misbehaves-${language}`, 'misbehaves', common);
      called.push({ name: `tells-${language}`, requestId: (await first.call(`tells-${language}`, {})).requestId });
      await first.call(`misbehaves-${language}`, { do: 'desert', marker, finally: 'nothing' });
      void first.call(`tells-${language}`, { ms: 50_000 }).catch(() => undefined);
      await until(() => running(`sleep ${marker}`).length === 1);
    }
    await first.deploy('custom', 'provided-shell', { runtime: 'provided.al2023', handler: 'none' });
    await first.call('custom', {});
    // One of each: idle and stopped, busy, and what a function started and left.
    await until(async () => {
      const { instances } = await first.client.resident();
      return instances.some((i) => i.state === 'paused') && instances.some((i) => i.state === 'busy') ? instances : null;
    });
    await new Promise((resolve) => setTimeout(resolve, 600)); // more than the flush interval
    const family = first.family();
    const commands = family.map((p) => p.command).join('\n');
    for (const kind of [/postgres/, /supervisor/, /node/, /sleep 8603/]) assert.match(commands, kind);
    assert.ok(family.some((p) => p.state === 'T'));
    await first.end('SIGKILL');
    await until(() => stillThere(family).length === 0);
    // What asked for installed interpreters just then ends by itself; the folder of sockets stays for the next start.
    await until(() => left(home).every((what) => what.startsWith(runDirectory(home, process.env))));
    const second = await ServerProcess.start({ home });
    const names = new Set((await second.client.functions()).map((f) => f.name));
    for (const { name, requestId } of called) {
      assert.ok(names.has(name));
      const records = await second.client.usageRecords({ functionName: name, limit: 10 });
      assert.ok(records.some((r) => r.requestId === requestId && r.outcome === 'ok'));
      await second.call(name, {});
    }
    const again = second.family();
    assert.equal(await second.end('SIGTERM'), 0);
    assert.deepEqual(stillThere(again), []);
    assert.deepEqual(left(home), []);
    assert.ok(!existsSync(join(home, 'server.json')));
  });

  test('with stopped instances of a dying snapshot, again and again: none is handed to init', async () => {
    const home = newHome();
    for (let round = 0; round < 8; round++) {
      const server = await ServerProcess.start({ home });
      const names = ['a', 'b', 'c'];
      if (round === 0) {
        for (const name of names) await server.deploy(name, 'misbehaves', { runtime: NODE, handler: 'index.handler', timeoutSeconds: 60 });
      }
      const event = { do: 'desert', marker: `86051.${process.pid}`, finally: 'nothing' };
      await Promise.all([...names, ...names].map((name) => server.call(name, event)));
      await until(async () => (await server.client.resident()).instances.some((i) => i.state === 'paused'));
      const family = server.family();
      await server.end('SIGKILL');
      await until(() => stillThere(family).length === 0);
    }
    const last = await ServerProcess.start({ home });
    assert.equal(await last.end('SIGTERM'), 0);
    assert.deepEqual(left(home), []);
  });

  test(
    'and of its supervisor, at the same moment: what it left stopped ends with the next start',
    { skip: process.platform !== 'linux' },
    async () => {
      const home = newHome();
      const server = await ServerProcess.start({ home });
      await server.deploy('idle', 'tells', { runtime: NODE, handler: 'index.handler' });
      await server.call('idle', {});
      await until(async () => (await server.client.resident()).instances.some((i) => i.state === 'paused'));
      const family = server.family();
      const supervisor = family.find(({ command }) => /supervisor/.test(command));
      assert.ok(supervisor !== undefined);
      process.kill(supervisor.pid, 'SIGSTOP');
      await server.end('SIGKILL');
      process.kill(supervisor.pid, 'SIGKILL');
      const stopped = family.filter((p) => p.state === 'T');
      assert.ok(stopped.length > 0);
      await until(() => stillThere(family).length <= stopped.length);
      const next = await ServerProcess.start({ home });
      assert.deepEqual(stillThere(stopped), []);
      await next.call('idle', {});
      assert.equal(await next.end('SIGTERM'), 0);
      assert.deepEqual(left(home), []);
    },
  );

  test('in the middle of its start, again and again: the next one starts', async () => {
    const home = newHome();
    for (const afterMs of [50, 150, 250, 400, 600, 800, 1000, 1300]) {
      const server = ServerProcess.spawn({ home });
      await new Promise((resolve) => setTimeout(resolve, afterMs));
      const family = descendants(server.child.pid!);
      await server.end('SIGKILL');
      await until(() => stillThere(family).length === 0);
    }
    const server = await ServerProcess.start({ home });
    await server.deploy('echo', 'behaviours/echo', { runtime: NODE, handler: 'index.handler' });
    assert.deepEqual((await server.call('echo', { a: 1 })).value, { a: 1 });
    assert.equal(await server.end('SIGTERM'), 0);
    assert.deepEqual(left(home), []);
  });

  test('of the supervisor alone: its instances end, and new ones are started', async () => {
    const home = newHome();
    const server = await ServerProcess.start({ home });
    await server.deploy('echo', 'behaviours/echo', { runtime: NODE, handler: 'index.handler' });
    await server.call('echo', { a: 1 });
    const [instance] = (await server.client.resident('echo')).instances;
    const supervisors = server.family().filter((p) => p.command.includes('supervisor/main'));
    assert.ok(supervisors.length > 0);
    for (const { pid } of supervisors) process.kill(pid, 'SIGKILL');
    await until(() => processOf(instance!.pid) === null);
    assert.deepEqual((await until(() => server.call('echo', { a: 2 }).catch(() => null))).value, { a: 2 });
    assert.equal(await server.end('SIGTERM'), 0);
    assert.deepEqual(left(home), []);
  });

  test('of a snapshot or a zygote: callers do not notice', async () => {
    const home = newHome();
    const server = await ServerProcess.start({ home });
    await server.deploy('tells', 'tells', { runtime: NODE, handler: 'index.handler', timeoutSeconds: 10 });
    await server.call('tells', {});
    const { instances, snapshots, zygotes } = await server.client.resident();
    const [tells] = await server.client.functions();
    for (const one of [...instances, ...snapshots]) assert.equal(one.revisionId, tells?.revisionId);
    for (const victims of [snapshots, zygotes, [...snapshots, ...zygotes]]) {
      const running = server.call('tells', { ms: 300 });
      for (const { pid } of victims) if (processOf(pid) !== null) process.kill(pid, 'SIGKILL');
      const both = await Promise.all([running, server.call('tells', { ms: 300 }), server.call('tells', { ms: 300 })]);
      assert.equal(both.length, 3);
    }
    assert.equal(await server.end('SIGTERM'), 0);
    assert.deepEqual(left(home), []);
  });
});

const root = process.getuid?.() === 0;

test('as an ordinary user', { skip: !root && 'the tests do not run as root, so all of them show this' }, async () => {
  const home = newHome();
  chmodSync(home, 0o755);
  chownSync(home, 65_534, 65_534);
  const python = existsSync('/usr/bin/python3') ? '/usr/bin/python3' : null;
  const through = ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups', '--inh-caps=-all'];
  const env = { PATH: '/usr/bin:/bin' };
  const server = await ServerProcess.start({ home, through, env });
  assert.match(readFileSync(`/proc/${server.pid}/status`, 'latin1'), /^Uid:\t65534\t65534/m);
  await server.deploy('tells-node', 'tells', { runtime: NODE, handler: 'index.handler' });
  await server.deploy('misbehaves', 'misbehaves', { runtime: NODE, handler: 'index.handler', timeoutSeconds: 1 });
  const told = (await server.call('tells-node', {})).value as { uid: number; invocations: number };
  assert.equal(told.uid, 65_534);
  const { runtimes } = await server.client.status();
  const found = runtimes.find((r) => r.language === 'python');
  if (python !== null) {
    assert.ok(found, 'Python was not found');
    await server.deploy('tells-python', 'tells', { runtime: found.name, handler: handlerOf('python') });
    await server.call('tells-python', {});
    assert.equal(((await server.call('tells-python', {})).value as { invocations: number }).invocations, 2);
  }
  const hung = await server.client.invoke({
    functionName: 'misbehaves',
    payload: Buffer.from(JSON.stringify({ do: 'desert', marker: `86041.${process.pid}`, finally: 'hang' })),
  });
  assert.match(hung.payload.toString(), /Sandbox.Timedout/);
  assert.deepEqual(running(`sleep 86041.${process.pid}`), []);
  const family = server.family();
  assert.ok(family.some((p) => p.command.includes('postgres')));
  await server.end('SIGKILL');
  await until(() => stillThere(family).length === 0);
  const second = await ServerProcess.start({ home, through, env });
  await second.call('tells-node', {});
  assert.equal(await second.end('SIGTERM'), 0);
  assert.deepEqual(left(home), []);
});

test('on somebody’s own PostgreSQL', async () => {
  const database = await startEmbedded({ home: newHome(), clock: systemClock, log: silent });
  try {
    const at = database.connection('app') as { host: string; port: number; user: string; password: string };
    const databaseUrl = `postgresql://${at.user}:${at.password}@localhost:${at.port}/app?host=${encodeURIComponent(at.host)}`;
    const home = newHome();
    const server = await TestServer.start({ home, databaseUrl });
    assert.equal((await server.client.status()).database, 'external');
    await server.deploy('echo', 'behaviours/echo', { runtime: NODE, handler: 'index.handler' });
    const answer = await server.call('echo', { a: 1 });
    assert.deepEqual(answer.value, { a: 1 });
    assert.equal((await server.usageOf('echo', answer.requestId)).outcome, 'ok');
    assert.ok(!existsSync(join(home, 'postgres')), 'the embedded one was started all the same');
    await assert.rejects(TestServer.start({ home: newHome(), databaseUrl }), new RegExp(`\\b${process.pid}\\b`));
    await server.stop();
    const again = await TestServer.start({ home, databaseUrl });
    assert.deepEqual((await again.call('echo', { b: 2 })).value, { b: 2 });
    assert.deepEqual(await again.end(), []);
  } finally {
    await database.stop();
  }
  await assert.rejects(
    TestServer.start({ home: newHome(), databaseUrl: 'postgresql://x:y@127.0.0.1:1/none' }),
    (error: Error) => /127\.0\.0\.1:1|ECONNREFUSED|DATABASE_URL/.test(error.message) && !error.message.includes(':y@'),
  );
});
