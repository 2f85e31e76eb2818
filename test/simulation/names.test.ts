import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { sessionName } from '../../src/model/session-name.ts';
import { version, world } from './world.ts';

const INSTANCES = 200;

describe('names of instances', () => {
  it('are different for all that ever are, each the instance’s own id, and so are those of their sessions', async () => {
    const w = world({ behaviour: { handler: () => ({ ms: 10_000 }) } });
    const latest = version({ timeoutMs: 60_000 });
    const published = version({ timeoutMs: 60_000, version: '1', revisionId: 'r-1-published' });
    const seen = new Map<string, string>();
    for (const v of [latest, published, latest]) {
      w.fleet.serve(v);
      const calls = Array.from({ length: INSTANCES }, () => w.dispatcher.invoke(v, w.invocation()));
      await w.clock.advance(5_000);
      const all = [...w.fleet.roster.of(v.revisionId)];
      assert.equal(all.length, INSTANCES);
      for (const { id, logStream } of all) {
        assert.equal(logStream, `1970/01/01/[${v.version}]${id.replaceAll('-', '')}`);
        seen.set(id, logStream);
      }
      await w.clock.advance(200_000);
      await Promise.all(calls);
      assert.equal(w.fleet.roster.count, 0, 'all have ended');
    }
    assert.equal(seen.size, 3 * INSTANCES);
    assert.equal(new Set(seen.values()).size, 3 * INSTANCES);
    assert.equal(new Set([...seen.values()].map(sessionName)).size, 3 * INSTANCES);
  });
});
