import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { version, world, type World } from './world.ts';

const MIB = 1024 * 1024;
const named = (id: string) => version({ functionId: id, name: id, revisionId: id, timeoutMs: 60_000 });

/** So many callers that call again as soon as they are answered, until the time is over. */
function crowd(w: World, of: ReturnType<typeof named>, { callers, untilMs }: { callers: number; untilMs: number }): Promise<string[]> {
  const outcomes: string[] = [];
  const one = async (): Promise<void> => {
    while (w.clock.monotonic() < untilMs) outcomes.push(await w.dispatcher.invoke(of, w.invocation()).then(() => 'ok', String));
  };
  return Promise.all(Array.from({ length: callers }, one)).then(() => outcomes);
}

describe('at the machine’s limit', () => {
  for (const limit of ['instances', 'memory'] as const) {
    it(`of ${limit}, a function whose callers never cease starves no other`, async () => {
      const w = world({
        behaviour: { forkMs: 5, handler: () => ({ ms: 50 }) },
        limits: limit === 'instances' ? { instances: 4 } : {},
      });
      const [busy, rare, other] = [named('busy'), named('rare'), named('other')] as const;
      for (const v of [busy, rare, other]) w.fleet.serve(v);
      for (const v of [rare, other]) await Promise.all([w.dispatcher.invoke(v, w.invocation()), w.clock.advance(1_000)]);
      for (const v of [rare, other]) await Promise.all(w.fleet.endIdle(v.revisionId));
      if (limit === 'memory') {
        // What is there after the reserve, less what instances hold: room for four.
        const free = w.memory;
        const each = 20 * MIB;
        Object.defineProperty(free, 'availableBytes', { get: () => 512 * MIB + 4.5 * 1.25 * each - w.fleet.roster.count * each });
      }
      const untilMs = w.clock.monotonic() + 20_000;
      const crowded = crowd(w, busy, { callers: 20, untilMs });
      await w.clock.advance(2_000);
      const rarely = Promise.all([rare, other].map((v) => crowd(w, v, { callers: 1, untilMs: untilMs - 1_000 })));
      await w.clock.advance(25_000);
      const [often, ...seldom] = [await crowded, ...(await rarely)];
      for (const outcomes of seldom) {
        assert.ok(outcomes.length > 20, String(outcomes.length));
        assert.deepEqual(new Set(outcomes), new Set(['ok']));
      }
      assert.deepEqual(new Set(often), new Set(['ok']));
      assert.ok(often.length > 400, String(often.length));
      assert.ok(w.usage.every((u) => u.outcome === 'ok'));
      await w.fleet.close();
    });
  }
});
