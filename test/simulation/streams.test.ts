import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { TestSink } from '../contracts/stream.contract.ts';
import { version, world, type World } from './world.ts';

const piece = (text: string, ms: number) => ({ ms, body: Buffer.from(text) });
const streaming = (pieces: readonly { ms: number; body: Buffer }[], more: object = {}) => ({
  handler: () => ({ ms: 0, stream: { contentType: 'text/plain', pieces }, ...more }),
});
const stream = (w: World, v: ReturnType<typeof version>, sink: TestSink) => w.dispatcher.invoke(v, { ...w.invocation(), sink });

describe('streamed answers', () => {
  it('keep their instance busy until they end: who comes meanwhile gets another', async () => {
    const w = world({ behaviour: streaming([piece('a', 10), piece('b', 60_000)]) });
    const v = version({ timeoutMs: 900_000 });
    w.fleet.serve(v);
    const sinks = [new TestSink(), new TestSink()];
    const first = stream(w, v, sinks[0]!);
    await w.clock.advance(5_000);
    assert.deepEqual([sinks[0]!.text, w.fleet.roster.count], ['a', 1]);
    const second = stream(w, v, sinks[1]!);
    await w.clock.advance(5_000);
    assert.equal(w.fleet.roster.count, 2);
    await w.clock.advance(120_000);
    for (const done of await Promise.all([first, second])) {
      assert.deepEqual([done.error, done.body.length, done.usage.bytesOut], [null, 0, 2]);
      assert.ok(done.usage.durationMs >= 60_010, `billed while it streams: ${done.usage.durationMs}`);
    }
  });

  it('are cut by the timeout: what was written before counts', async () => {
    const w = world({ behaviour: streaming([piece('some', 10), piece('never', 60_000)]) });
    const v = version({ timeoutMs: 3_000 });
    w.fleet.serve(v);
    const sink = new TestSink();
    const call = stream(w, v, sink);
    await w.clock.advance(10_000);
    const done = await call;
    assert.deepEqual([sink.text, done.error?.errorType, done.usage.outcome], ['some', 'Sandbox.Timedout', 'timeout']);
    assert.equal(done.usage.bytesOut, 4 + done.body.length);
    assert.equal(w.fleet.roster.count, 0);
  });

  it('end with the instance: the next has another', async () => {
    const w = world({ behaviour: streaming([piece('some', 10)], { exit: { code: 1, signal: null } }) });
    const v = version();
    w.fleet.serve(v);
    const sink = new TestSink();
    const call = stream(w, v, sink);
    await w.clock.advance(5_000);
    const done = await call;
    assert.deepEqual([sink.text, done.error?.errorType, done.usage.outcome], ['some', 'Runtime.ExitError', 'crash']);
    Object.assign(w.behaviour, streaming([piece('fine', 10)]));
    const next = stream(w, v, new TestSink());
    await w.clock.advance(5_000);
    assert.equal((await next).error, null);
  });

  it('write their log to its end as every invocation does', async () => {
    const w = world({ behaviour: streaming([piece('a', 10)]) });
    const v = version();
    w.fleet.serve(v);
    const invocation = { ...w.invocation(), sink: new TestSink() };
    const call = w.dispatcher.invoke(v, invocation, true);
    await w.clock.advance(5_000);
    const tail = (await call).logTail?.toString() ?? '';
    assert.match(tail, /^START RequestId: [^\n]*\nhandled\nEND RequestId: [^\n]*\nREPORT RequestId: /);
  });
});
