import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { SimulatedDriver, type Behaviour } from '../../src/drivers/simulated/simulated-driver.ts';
import type { Driver, DriverInstance } from '../../src/fleet/driver.ts';
import type { FunctionVersion } from '../../src/model/function-version.ts';
import { VirtualClock } from '../../src/lib/virtual-clock.ts';
import { farDeadlineMs, instanceSpec, invocation } from './driver.contract.ts';
import { behaviourSpec, openForkDriver, runtimes } from './fork-driver-subject.ts';
import { streamContract, TestSink, type Does } from './stream.contract.ts';

/** As test/functions/behaviours/streams does it. */
const SIMULATED: Behaviour = {
  initMs: 1,
  forkMs: 1,
  runtimeMs: 1,
  memoryBytes: 1 << 20,
  handler({ body }) {
    const { type, pieces = [], bytes = 0, then } = JSON.parse(body.toString()) as Does;
    const more = Array.from({ length: Math.ceil(bytes / 65536) }, (_, i) => Buffer.alloc(Math.min(65536, bytes - i * 65536), 120));
    const all = [...pieces.map((piece) => Buffer.from(piece)), ...more];
    const stream = { contentType: type ?? 'application/octet-stream', pieces: all.map((piece) => ({ ms: 1, body: piece })) };
    const thrown = { errorType: 'RangeError', body: Buffer.from('{"errorType":"RangeError","errorMessage":"half-way"}') };
    return {
      ms: then === 'hang' ? 1e9 : 1,
      stream,
      ...(then === 'throw' ? thrown : {}),
      ...(then === 'exit' ? { exit: { code: 7, signal: null } } : {}),
    };
  },
};

const clock = new VirtualClock();
streamContract('simulated', {
  async start() {
    const driver = new SimulatedDriver(clock, () => SIMULATED);
    const instance = await driver.start(behaviourSpec('streams', 'nodejs20.x'), instanceSpec());
    return { instance, close: () => driver.close() };
  },
  event: (does) => does,
  async settle(promise) {
    const state = { settled: false };
    promise.finally(() => (state.settled = true)).catch(() => {}); // whoever asked is told
    for (let turns = 0; !state.settled && turns < 10_000; turns++) await clock.advance(10);
    return promise;
  },
});

for (const { language, runtime, missing } of await runtimes()) {
  if (language === 'node') {
    streamContract('fork, node', {
      async start() {
        const driver = await openForkDriver();
        const instance = await driver.start(behaviourSpec('streams', runtime), instanceSpec());
        return { instance, close: () => driver.close() };
      },
      event: (does) => does,
      settle: (promise) => promise,
    });
  }
  if (language === 'node') {
    describe('streaming handlers in forked instances', { skip: missing ?? false, timeout: 60_000 }, () => {
      const opened = async (more: Partial<FunctionVersion>): Promise<{ driver: Driver; instance: DriverInstance }> => {
        const driver = await openForkDriver();
        const prepared = await driver.prepare(behaviourSpec('streams', runtime, more), instanceSpec());
        assert.ok(prepared.kind === 'snapshot', prepared.kind === 'instance' ? prepared.reason : '');
        return { driver, instance: await driver.fork(prepared.snapshot, instanceSpec()) };
      };

      it('are rehearsed like others, and stream then', async () => {
        const { driver, instance } = await opened({ rehearsal: JSON.stringify({ pieces: ['rehearsed'] }) });
        const sink = new TestSink();
        const answer = await instance.invoke({ ...invocation({ pieces: ['a'] }), sink }, farDeadlineMs());
        assert.deepEqual([answer.errorType, sink.text], [null, 'a']);
        await driver.close();
      });

      it('stream several answers at once where the function allows it', async () => {
        const scaling = { min: 0, max: null, concurrency: 3, keepAliveMs: 1_000 };
        const { driver, instance } = await opened({ scaling });
        const slow = new TestSink();
        const held = instance
          .invoke({ ...invocation({ pieces: ['held'], then: 'hang' }), sink: slow }, farDeadlineMs())
          .catch(() => 'killed');
        await slow.until(4);
        const sinks = [new TestSink(), new TestSink()];
        const answers = await Promise.all(
          sinks.map((sink, i) => instance.invoke({ ...invocation({ pieces: [`${i}`], bytes: 3 << 20 }), sink }, farDeadlineMs())),
        );
        assert.deepEqual(
          answers.map((answer, i) => [answer.errorType, sinks[i]!.bytes, sinks[i]!.text[0]]),
          sinks.map((_, i) => [null, (3 << 20) + 1, `${i}`]),
        );
        await driver.close();
        assert.equal(await held, 'killed');
      });
    });
  }
  describe(`handlers that do not stream, with a caller who could: ${language}`, { skip: missing ?? false, timeout: 60_000 }, () => {
    const answerOf = async (behaviour: string, event: unknown, sink: TestSink) => {
      const driver: Driver = await openForkDriver();
      try {
        const instance = await driver.start(behaviourSpec(behaviour, runtime), instanceSpec());
        return await instance.invoke({ ...invocation(event), sink }, farDeadlineMs());
      } finally {
        await driver.close();
      }
    };

    it('answer whole', async () => {
      const sink = new TestSink();
      const answer = await answerOf('echo', { a: 1 }, sink);
      assert.deepEqual([sink.begun, answer.errorType, JSON.parse(answer.body.toString())], [false, null, { a: 1 }]);
    });

    it('fail whole', async () => {
      const sink = new TestSink();
      const answer = await answerOf('throws', {}, sink);
      assert.equal(sink.begun, false);
      assert.notEqual(answer.errorType, null);
    });
  });
}
