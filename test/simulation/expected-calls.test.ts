import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { FunctionVersion } from '../../src/model/function-version.ts';
import { version, world, type World } from './world.ts';

const alive = (w: World, { revisionId }: FunctionVersion): number => w.fleet.roster.of(revisionId).size;

describe('a call that is on its way', () => {
  it('finds an instance that was started meanwhile, and has not waited for it', async () => {
    const w = world();
    const v = version();
    w.fleet.serve(v);
    w.dispatcher.expect(v);
    w.dispatcher.expect(v);
    await w.clock.advance(1_000);
    assert.equal(alive(w, v), 1);
    const call = w.dispatcher.invoke(v, w.invocation());
    await w.clock.advance(100);
    await call;
    assert.equal(w.usage[0]?.coldRung, null);
    w.dispatcher.expect(v);
    await w.clock.advance(1_000);
    assert.equal(alive(w, v), 1);
  });

  it('takes the start that is under way, and is told of the rest of it', async () => {
    const w = world();
    const v = version();
    w.fleet.serve(v);
    w.dispatcher.expect(v);
    await w.clock.advance(300);
    const call = w.dispatcher.invoke(v, w.invocation());
    await w.clock.advance(1_000);
    await call;
    assert.equal(alive(w, v), 1);
    assert.equal(w.usage[0]?.coldRung, 'disk');
    assert.ok((w.usage[0]?.queuedMs ?? 0) < 350);
  });

  it('that never comes leaves an instance that goes after the keep-alive, however long the function was idle before', async () => {
    const w = world();
    const v = version({ scaling: { ...version().scaling, keepAliveMs: 60_000 } });
    w.fleet.serve(v);
    await w.clock.advance(600_000);
    w.dispatcher.expect(v);
    await w.clock.advance(50_000);
    assert.equal(alive(w, v), 1);
    await w.clock.advance(80_000);
    assert.equal(alive(w, v), 0);
    assert.equal(w.usage.length, 0);
  });

  it('starts nothing where the function may have none, where one was asked for already, or where the machine is full', async () => {
    const w = world();
    const none = version({ revisionId: 'r-2', scaling: { ...version().scaling, max: 0 } });
    w.fleet.serve(none);
    w.dispatcher.expect(none);
    const v = version();
    w.fleet.serve(v);
    const call = w.dispatcher.invoke(v, w.invocation());
    w.dispatcher.expect(v);
    await w.clock.advance(1_000);
    await call;
    assert.equal(alive(w, v), 1);
    w.memory.availableBytes = 0;
    const other = version({ revisionId: 'r-3' });
    w.fleet.serve(other);
    w.dispatcher.expect(other);
    await w.clock.advance(1_000);
    assert.deepEqual(
      [none, other].map((one) => alive(w, one)),
      [0, 0],
    );
  });

  it('whose start fails before it comes is served by another', async () => {
    const w = world({ behaviour: { initError: { errorType: 'Error', errorMessage: 'not yet' } } });
    const v = version();
    w.fleet.serve(v);
    w.dispatcher.expect(v);
    await w.clock.advance(1_000);
    assert.equal(alive(w, v), 0);
    w.behaviour.initError = null;
    const call = w.dispatcher.invoke(v, w.invocation());
    await w.clock.advance(1_000);
    assert.equal((await call).error, null);
  });
});
