import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { closeSync, mkdtempSync, openSync, readdirSync, rmSync, truncateSync, writeFileSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { Client } from 'pg';
import { DeployError } from '../../src/client/errors.ts';
import type { LogLine } from '../../src/observe/function-logs.ts';
import { ownerOf } from './app-database.ts';
import { languages, TestServer } from './platform-server.ts';
import { until } from './until.ts';

const MB = 1024 * 1024;
const CODE = `exports.handler = async (event) => { console.log('said ' + event.n); return event.n; };`;

describe('a home on a full disk', () => {
  const disk = mkdtempSync(join(tmpdir(), 'hearth-disk-'));
  const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=400m,mode=755', 'tmpfs', disk]).status === 0;
  after(() => {
    if (mounted) spawnSync('umount', ['-l', disk]);
    rmSync(disk, { recursive: true, force: true });
  });
  const ballast = join(disk, 'ballast');
  /** Leaves so much of the disk. */
  function fill(leftBytes: number): void {
    const file = openSync(ballast, 'w');
    let written = 0;
    for (const bytes of [MB, 4_096]) {
      try {
        for (const piece = Buffer.alloc(bytes); ;) written += writeSync(file, piece);
      } catch (error) {
        assert.equal((error as NodeJS.ErrnoException).code, 'ENOSPC');
      }
    }
    closeSync(file);
    truncateSync(ballast, written - leftBytes);
  }

  test(
    'serves on, refuses in words what it can’t keep, and has everything again when there is room: all usage, new logs',
    { skip: !mounted && 'a small file system can be mounted by root only' },
    async () => {
      const server = await TestServer.start({ home: join(disk, 'home') });
      const runtime = (await languages())[0]!.runtime;
      const folder = mkdtempSync(join(tmpdir(), 'hearth-code-'));
      writeFileSync(join(folder, 'index.js'), CODE);
      const manifest = { runtime, handler: 'index.handler', snapshot: 'onFirstUse' };
      const deploy = (name: string) => server.deploy(name, folder, manifest);
      await deploy('warm');
      await deploy('cold');
      assert.equal((await server.call('warm', { n: 0 })).value, 0);

      fill(0);
      // More than the buffers of the log and of the ledger's pages hold: so these have met the full disk.
      for (let n = 1; n <= 300; n++) assert.equal((await server.call('warm', { n })).value, n);
      assert.equal((await server.call('cold', { n: 1 })).value, 1);
      await assert.rejects(deploy('refused'), { errorType: 'StorageFull', status: 507, message: /disk of this server is full.*Make room/ });
      // The same connection, at once: an upload that was refused leaves nothing on it.
      assert.equal((await server.call('warm', { n: 301 })).value, 301);
      const event = { functionName: 'warm', invocationType: 'Event', payload: Buffer.from('{"n":1}') } as const;
      const refused: unknown = await server.client.invoke(event).then(
        () => null, // there may be room in the pages that the database has
        (error: unknown) => error,
      );
      if (refused !== null) assert.match((refused as Error).message, /database is not available: .*No space left on device/);

      // There is room for the zip, and none for what is in it.
      writeFileSync(join(folder, 'model.bin'), Buffer.concat([randomBytes(MB), Buffer.alloc(8 * MB)]));
      fill(4 * MB);
      await assert.rejects(deploy('refused'), (error: unknown) => {
        assert.ok(error instanceof DeployError, String(error));
        assert.equal(error.errorType, 'StorageFull');
        return true;
      });
      rmSync(join(folder, 'model.bin'));

      rmSync(ballast);
      assert.equal((await deploy('refused')).created, true);
      assert.equal((await server.call('warm', { n: 302 })).value, 302);
      const done = await server.client.invoke(event);
      assert.equal(done.statusCode, 202);
      const events = refused === null ? 2 : 1;
      await until(async () => {
        const { functions } = await server.client.usage({});
        return functions.find((f) => f.functionName === 'warm')?.invocations === 303 + events;
      });
      const lines: LogLine[] = [];
      await until(async () => {
        lines.length = 0;
        for await (const line of server.client.logs({ functionName: 'warm' })) lines.push(line);
        return lines.some((line) => line.text.endsWith('said 302'));
      });
      assert.deepEqual(readdirSync(join(server.home, 'artifacts', 'tmp')), []);
      rmSync(folder, { recursive: true });
      assert.deepEqual(await server.end(), []);
    },
  );

  test(
    'PostgreSQL ends when its log finds no room: calls are answered meanwhile, and it comes back by itself with all usage',
    { skip: !mounted && 'a small file system can be mounted by root only' },
    async () => {
      const server = await TestServer.start({ home: join(disk, 'home') });
      const runtime = (await languages())[0]!.runtime;
      await server.deploy('echo', 'behaviours/echo', { runtime, handler: 'index.handler' });
      fill(0);
      const session = new Client(ownerOf(server.home));
      session.on('error', () => {}); // its server ends
      await session.connect();
      const floods = async (): Promise<void> => {
        for (;;) await session.query("select pg_logical_emit_message(false, 'flood', repeat('x', 1000000))");
      };
      // The process that can't write ends, and takes all others with it: what of that its client hears first is chance.
      await assert.rejects(floods(), /No space left on device|terminated|ECONNRESET|EPIPE/);
      for (let n = 0; n < 5; n++) assert.deepEqual((await server.call('echo', { n })).value, { n });
      const event = { functionName: 'echo', invocationType: 'Event', payload: Buffer.from('{}') } as const;
      await assert.rejects(server.client.invoke(event), /database is not available/);
      rmSync(ballast);
      await until(() => server.client.invoke(event).catch(() => null), 200);
      await until(async () => (await server.client.usage({})).total.invocations === 6);
      await session.end().catch(() => {});
      assert.deepEqual(await server.end(), []);
    },
  );
});
