import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Dispatched } from '../../src/dispatch/dispatcher.ts';
import type { AnswerSink } from '../../src/model/answer-sink.ts';
import { TestSink } from '../contracts/stream.contract.ts';
import { version, world, type World } from './world.ts';

/** What each invocation's handler does, in its event. */
interface Does {
  readonly ms: number;
  /** It ends its process then. */
  readonly exits?: boolean;
  /** It streams two pieces, the second after so many milliseconds. */
  readonly streams?: number;
}

const v = version({ timeoutMs: 3_000, scaling: { min: 0, max: null, concurrency: 10, keepAliveMs: 60_000 } });

/** A world whose one instance has room for ten. */
async function shared(of = v): Promise<World> {
  const w = world({
    behaviour: {
      handler: ({ body }) => {
        const { ms, exits, streams } = JSON.parse(body.toString()) as Does;
        const pieces = [
          { ms: 0, body: Buffer.from('some') },
          { ms: streams ?? 0, body: Buffer.from('more') },
        ];
        return {
          ms,
          body: Buffer.from('"ok"'),
          ...(exits === true ? { exit: { code: 1, signal: null } } : {}),
          ...(streams === undefined ? {} : { stream: { contentType: 'text/plain', pieces } }),
        };
      },
    },
  });
  w.fleet.serve(of);
  await w.clock.advance(1_000); // what is always to be there is
  const first = call(w, { ms: 0 }, undefined, of);
  await w.clock.advance(1_000);
  await first;
  return w;
}

function call(w: World, does: Does, sink?: AnswerSink, of = v): Promise<Dispatched> {
  const invocation = { ...w.invocation(), body: Buffer.from(JSON.stringify(does)) };
  return w.dispatcher.invoke(of, sink === undefined ? invocation : { ...invocation, sink });
}

const ends = (all: readonly Dispatched[]) => all.map(({ error, usage }) => [error?.errorType ?? null, usage.outcome, usage.durationMs]);
const LATE = ['Sandbox.Timedout', 'timeout', 3_000];
const states = (w: World): string[] => [...w.fleet.roster.all()].map((i) => i.state);

describe('one of several invocations on an instance that runs into its timeout', () => {
  it('leaves those beside it alone; the instance gets no more of them and ends with the last', async () => {
    const w = await shared();
    const late = call(w, { ms: 60_000 });
    await w.clock.advance(2_500);
    const beside = [call(w, { ms: 1_000 }), call(w, { ms: 2_000 })];
    await w.clock.advance(600);
    assert.deepEqual(ends([await late]), [LATE]);
    assert.deepEqual(states(w), ['stopping']);
    const next = call(w, { ms: 10 });
    await w.clock.advance(500);
    assert.equal((await next).error, null);
    assert.deepEqual(states(w).toSorted(), ['paused', 'stopping']);
    await w.clock.advance(1_000);
    assert.deepEqual(ends(await Promise.all(beside)), [
      [null, 'ok', 1_000],
      [null, 'ok', 2_000],
    ]);
    assert.deepEqual(states(w), ['paused']);
    assert.equal(new Set(w.usage.map((u) => u.instanceId)).size, 2);
    assert.deepEqual(w.usage.map((u) => u.requestId).length, 5);
  });

  it('has its instance killed when the last of them is late, too', async () => {
    const w = await shared();
    const first = call(w, { ms: 60_000 });
    await w.clock.advance(1_000);
    const second = call(w, { ms: 60_000 });
    await w.clock.advance(2_500);
    assert.deepEqual(ends([await first]), [LATE]);
    assert.deepEqual(states(w), ['stopping']);
    await w.clock.advance(1_000);
    assert.deepEqual(ends([await second]), [LATE]);
    assert.equal(w.fleet.roster.count, 0);
  });

  it('has it killed at once when nobody is beside it', async () => {
    const w = await shared();
    const late = call(w, { ms: 60_000 });
    await w.clock.advance(3_000);
    assert.deepEqual(ends([await late]), [LATE]);
    assert.equal(w.fleet.roster.count, 0);
  });

  it('hangs nobody when the instance dies before they have ended', async () => {
    const w = await shared();
    const late = call(w, { ms: 60_000 });
    await w.clock.advance(2_500);
    const beside = [call(w, { ms: 1_000, exits: true }), call(w, { ms: 2_000 })];
    await w.clock.advance(1_500);
    assert.deepEqual(ends([await late]), [LATE]);
    const crashed = ['Runtime.ExitError', 'crash', 1_000];
    assert.deepEqual(ends(await Promise.all(beside)), [crashed, crashed]);
    assert.equal(w.fleet.roster.count, 0);
  });

  it('has another instance started in place of its own, where so many are always to be there', async () => {
    const kept = { ...v, scaling: { ...v.scaling, min: 1 } };
    const w = await shared(kept);
    const late = call(w, { ms: 60_000 }, undefined, kept);
    await w.clock.advance(2_900);
    const beside = call(w, { ms: 2_800 }, undefined, kept);
    await w.clock.advance(2_000);
    await late;
    assert.deepEqual(states(w).toSorted(), ['paused', 'stopping']);
    await w.clock.advance(2_000);
    assert.equal((await beside).error, null);
    assert.deepEqual(states(w), ['paused']);
  });

  it('is no reason to wait: the revision retires with those beside it, and a server that ends takes all along', async () => {
    const w = await shared();
    const late = call(w, { ms: 60_000 });
    await w.clock.advance(2_500);
    const beside = call(w, { ms: 1_000 });
    await w.clock.advance(600);
    await late;
    await w.fleet.retire(v.revisionId);
    const retired = w.dispatcher.retire(v.revisionId);
    assert.equal(w.dispatcher.running, 1);
    await w.clock.advance(1_000);
    assert.equal((await beside).error, null);
    await retired;
    assert.deepEqual([w.dispatcher.running, w.fleet.roster.count], [0, 0]);

    const other = await shared();
    const again = call(other, { ms: 60_000 });
    await other.clock.advance(2_500);
    const cut = call(other, { ms: 1_000 });
    await other.clock.advance(600);
    await again;
    await other.fleet.halt();
    assert.equal((await cut).error?.errorType, 'Runtime.ExitError');
    assert.equal(other.fleet.roster.count, 0);
  });

  it('streams nothing any more, although its handler goes on', async () => {
    const w = await shared();
    const sinks = [new TestSink(), new TestSink()];
    const late = call(w, { ms: 0, streams: 4_000 }, sinks[0]);
    await w.clock.advance(2_500);
    const beside = call(w, { ms: 0, streams: 2_500 }, sinks[1]);
    await w.clock.advance(3_000);
    assert.deepEqual(ends([await late, await beside]), [LATE, [null, 'ok', 2_500]]);
    assert.deepEqual(
      sinks.map((sink) => sink.text),
      ['some', 'somemore'],
    );
    assert.equal((await late).usage.bytesOut, 4 + (await late).body.length);
    assert.equal(w.fleet.roster.count, 0);
  });
});
