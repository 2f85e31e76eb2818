import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { Diary } from './diary.ts';
import { handlerOf, languages, TestServer } from './platform-server.ts';
import { until } from './until.ts';

const ROUNDS = 2;
const EACH = 150;

describe('PostgreSQL is restarted while events flow', () => {
  let server: TestServer;
  let diary: Diary;
  before(async () => {
    server = await TestServer.start();
    diary = await Diary.open();
    const [node] = await languages();
    await server.deploy('diary', 'events-diary', { runtime: node?.runtime, handler: handlerOf('node') });
  });
  after(async () => {
    await diary[Symbol.asyncDispose]();
    assert.deepEqual(await server.end(), []);
  });

  test('who is not acknowledged is told so, and what is acknowledged is run', async () => {
    const acknowledged = new Set<number>();
    let [next, refused, wanted] = [0, 0, EACH];
    const sender = async (): Promise<void> => {
      while (acknowledged.size < wanted) {
        const n = next++;
        const payload = Buffer.from(JSON.stringify({ n, post: diary.url }));
        try {
          const { statusCode } = await server.client.invoke({ functionName: 'diary', payload, invocationType: 'Event' });
          if (statusCode === 202) acknowledged.add(n);
        } catch (error) {
          assert.equal((error as { status?: number }).status, 503, String(error));
          refused++;
          await new Promise((resolve) => setTimeout(resolve, 20));
        }
      }
    };
    for (let round = 0; round < ROUNDS; round++) {
      wanted = EACH * (round + 1);
      const sending = Promise.all(Array.from({ length: 8 }, sender));
      await until(() => acknowledged.size >= wanted - EACH / 2);
      process.kill(postmaster(server.home), 'SIGQUIT'); // ends at once and recovers at its next start, as after a crash
      await sending;
    }
    await until(() => {
      const seen = new Set(diary.entries.map((e) => e.n));
      return [...acknowledged].every((n) => seen.has(n));
    });
    assert.ok(refused > 0, 'the database was never away');
    await until(async () => {
      const open = await Promise.all(['waiting', 'running'].map((state) => server.client.events.list({ state })));
      return open.every((page) => page.events.length === 0);
    });
    assert.deepEqual((await server.client.events.list({ state: 'failed' })).events, []);
  });
});

function postmaster(home: string): number {
  return Number(readFileSync(join(home, 'postgres', 'data', 'postmaster.pid'), 'utf8').split('\n')[0]);
}
