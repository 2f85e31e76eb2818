import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { runDirectory } from '../../src/composition/run-directory.ts';
import { HearthClient } from '../../src/client/client.ts';
import { Diary } from './diary.ts';
import { leavings, stillThere } from './leavings.ts';
import { ServerProcess } from './platform-process.ts';
import { ownKey } from './server-credentials.ts';
import { until } from './until.ts';

const NODE = `nodejs${process.versions.node.split('.')[0]}.x`;
const EVENTS = 2_000;
const KILLS = 3;
const SENDERS = 16;

/** Sends numbered events until `until` of them are acknowledged, whatever happens to the server. */
class Sender {
  readonly acknowledged = new Map<number, string>();
  #next = 0;
  readonly #endpoint: () => string | null;
  readonly #post: string;

  readonly #home: string;

  constructor(home: string, endpoint: () => string | null, post: string) {
    this.#home = home;
    this.#endpoint = endpoint;
    this.#post = post;
  }

  async run(total: number): Promise<void> {
    while (this.acknowledged.size < total) {
      const endpoint = this.#endpoint();
      const n = this.#next++;
      if (endpoint === null || !(await this.#send(endpoint, n))) await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  async #send(endpoint: string, n: number): Promise<boolean> {
    const client = new HearthClient(endpoint, ownKey(this.#home));
    try {
      const payload = Buffer.from(JSON.stringify({ n, post: this.#post }));
      const { statusCode, requestId } = await client.invoke({ functionName: 'diary', payload, invocationType: 'Event' });
      if (statusCode === 202) this.acknowledged.set(n, requestId ?? '');
      return true;
    } catch {
      return false; // not acknowledged: it may come, or not
    } finally {
      client.close();
    }
  }
}

describe('kill -9 of the server while events flow', () => {
  const home = mkdtempSync(join(tmpdir(), 'hearth-events-kill-'));
  after(async () => {
    await ServerProcess.endAll();
    rmSync(home, { recursive: true, force: true });
  });

  test('every acknowledged event is run at least once, with the id it was acknowledged by', async () => {
    await using diary = await Diary.open();
    let server = await ServerProcess.start({ home });
    await server.deploy('diary', 'events-diary', { runtime: NODE, handler: 'index.handler', timeoutSeconds: 30 });
    let up = true;
    const sender = new Sender(home, () => (up ? endpointOf(home) : null), diary.url);
    const sending = Promise.all(Array.from({ length: SENDERS }, () => sender.run(EVENTS)));
    for (let kill = 1; kill <= KILLS; kill++) {
      await until(() => sender.acknowledged.size >= (EVENTS * kill) / (KILLS + 1));
      const family = server.family();
      up = false;
      await server.end('SIGKILL');
      await until(() => stillThere(family).length === 0);
      server = await ServerProcess.start({ home });
      up = true;
    }
    await sending;
    const lost = (): number[] => {
      const seen = new Set(diary.entries.map((e) => e.n));
      return [...sender.acknowledged.keys()].filter((n) => !seen.has(n));
    };
    await until(() => lost().length === 0);
    const ids = new Map<number, Set<string>>();
    for (const { n, requestId } of diary.entries) ids.set(n, (ids.get(n) ?? new Set()).add(requestId));
    for (const [n, requestId] of sender.acknowledged) assert.deepEqual([...(ids.get(n) ?? [])], [requestId]);
    await until(async () => (await server.client.events.list({ state: 'running' })).events.length === 0);
    assert.deepEqual((await server.client.events.list({ state: 'failed' })).events, []);
    assert.equal(await server.end('SIGTERM'), 0);
    assert.deepEqual(leavings(home, runDirectory(home, process.env)), []);
  });
});

function endpointOf(home: string): string | null {
  try {
    return (JSON.parse(readFileSync(join(home, 'server.json'), 'utf8')) as { endpoint: string }).endpoint;
  } catch {
    return null;
  }
}
