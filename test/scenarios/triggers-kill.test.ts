import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import type { Client } from 'pg';
import { runDirectory } from '../../src/composition/run-directory.ts';
import { appClient } from '../fixtures/app-database.ts';
import type { SeenRecord } from '../fixtures/changes.ts';
import { Diary } from './diary.ts';
import { leavings } from './leavings.ts';
import { ServerProcess } from './platform-process.ts';
import { handlerOf } from './platform-server.ts';
import { signedFetch } from './server-credentials.ts';
import { until } from './until.ts';

const NODE = `nodejs${process.versions.node.split('.')[0]}.x`;
const ROWS = 7;

after(() => ServerProcess.endAll()); // of tests that failed

/** Writes to rows of a table, one write after the other, until it is told to stop; notes what was committed. */
class Writer {
  readonly committed: { id: number; n: number }[] = [];
  readonly #home: string;
  #client: Client | null = null;
  #stopped = false;
  #n = 0;

  constructor(home: string) {
    this.#home = home;
  }

  async run(): Promise<void> {
    while (!this.#stopped) {
      const [id, n] = [this.#n % ROWS, ++this.#n];
      try {
        this.#client ??= await appClient(this.#home);
        await this.#client.query('begin');
        await this.#client.query('update kept set n = -1');
        await this.#client.query('rollback');
        await this.#client.query('insert into kept values ($1, $2) on conflict (id) do update set n = excluded.n', [id, n]);
        this.committed.push({ id, n });
      } catch {
        await this.#client?.end().catch(() => {});
        this.#client = null;
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    }
    await this.#client?.end();
  }

  stop(): void {
    this.#stopped = true;
  }
}

test('kill -9 while rows and ticks flow: every committed row is seen, none that was rolled back, each row’s in order; no tick comes twice', async () => {
  const home = mkdtempSync(join(tmpdir(), 'hearth-scenario-'));
  await using diary = await Diary.open();
  let server = await ServerProcess.start({ home });
  const setUp = await appClient(home);
  await setUp.query('create table kept (id int primary key, n int)');
  await setUp.end();
  await server.deploy('follows', 'triggers-diary', {
    runtime: NODE,
    handler: handlerOf('node'),
    timeoutSeconds: 30,
    environment: { DIARY: diary.url },
    triggers: [
      { database: { table: 'kept', batchSize: 10, parallel: 3 } },
      { schedule: { everySeconds: 1, input: { tick: '<aws.scheduler.scheduled-time>', execution: '<aws.scheduler.execution-id>' } } },
    ],
  });
  await until(async () => (await server.client.triggers('follows')).every((t) => t.state === 'running'));
  const writer = new Writer(home);
  const writing = writer.run();
  const records = (): SeenRecord[] => diary.entries.flatMap((e) => (e.event['Records'] as SeenRecord[] | undefined) ?? []);
  for (let kill = 0; kill < 3; kill++) {
    const before = { seen: records().length, committed: writer.committed.length };
    await until(() => records().length > before.seen + 20 && writer.committed.length > before.committed + 40);
    await server.end('SIGKILL');
    server = await ServerProcess.start({ home });
  }
  const more = writer.committed.length + 20;
  await until(() => writer.committed.length > more);
  writer.stop();
  await writing;

  await until(() => {
    const seen = new Set(records().map((r) => `${String(r.after?.['id'])} ${String(r.after?.['n'])}`));
    return writer.committed.every(({ id, n }) => seen.has(`${id} ${n}`));
  });
  assert.ok(records().every((r) => r.after?.['n'] !== -1));
  const first = new Map<string, SeenRecord>();
  for (const record of records()) if (!first.has(record.eventID)) first.set(record.eventID, record);
  for (let id = 0; id < ROWS; id++) {
    const order = [...first.values()].filter((r) => r.after?.['id'] === id).map((r) => r.after?.['n'] as number);
    assert.deepEqual(
      order,
      [...order].sort((a, b) => a - b),
      `row ${id}`,
    );
  }
  // A tick whose run the kill broke off runs again, as the same delivery; two deliveries for one time there are not.
  const events = await signedFetch(
    { endpoint: server.client.endpoint, home },
    '/hearth/v1/events?function=follows&source=schedule&limit=1000',
  );
  const { events: ticks } = (await events.json()) as { events: { eventId: string }[] };
  assert.ok(ticks.length >= 2);
  assert.equal(new Set(ticks.map((t) => t.eventId)).size, ticks.length);
  await server.end('SIGTERM');
  assert.deepEqual(leavings(home, runDirectory(home, process.env)), []);
  rmSync(home, { recursive: true, force: true });
});
