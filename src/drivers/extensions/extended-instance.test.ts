import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { after, before, describe, it } from 'node:test';
import { InstanceExited, type Answer, type DriverInstance } from '../../fleet/driver.ts';
import { systemClock, type Clock } from '../../lib/clock.ts';
import { deferred } from '../../lib/deferred.ts';
import { randomIds } from '../../lib/ids.ts';
import type { AnswerSink } from '../../model/answer-sink.ts';
import type { ExitStatus } from '../../model/instance.ts';
import type { Invocation } from '../../model/invocation.ts';
import { aVersion } from '../../model/testing/a-version.ts';
import { invocation } from '../exec/testing/fixtures.ts';
import { ExtendedInstance } from './extended-instance.ts';
import { ExtensionHost, type HostDeps } from './extension-host.ts';

const KILLED: ExitStatus = { code: null, signal: 'SIGKILL' };

/** A function that answers at once, dies or hangs, as its event says. */
class Played {
  readonly pid = null;
  readonly rung = 'disk';
  readonly init = null;
  readonly steps = [];
  readonly #over = deferred<void>();
  readonly #gone = deferred<ExitStatus>();
  readonly ending = this.#over.promise;
  readonly exited = this.#gone.promise;
  #reject: ((error: InstanceExited) => void) | null = null;
  pause(): void {}
  resume(): void {}
  memoryBytes = async (): Promise<number> => 0;
  holdsMoreThan = (): boolean => false;

  async invoke({ body, sink }: Invocation): Promise<Answer> {
    const does = JSON.parse(body.toString()) as 'answer' | 'stream' | 'die' | 'hang';
    if (does === 'die') setImmediate(() => void this.kill());
    if (does === 'die' || does === 'hang') return new Promise((_resolve, reject) => (this.#reject = reject));
    if (does === 'stream') {
      sink?.begin('text/plain');
      sink?.write(Buffer.alloc(1_000), () => {});
    }
    const answer = Buffer.alloc(does === 'stream' ? 0 : 10);
    return { errorType: null, body: answer, handlerMs: 1, peakMemoryBytes: 1, logged: null };
  }

  kill(): Promise<ExitStatus> {
    this.#over.resolve();
    this.#reject?.(new InstanceExited(KILLED));
    this.#gone.resolve(KILLED);
    return this.exited;
  }
}

interface Done {
  readonly status: string;
  readonly errorType?: string;
  readonly metrics: { readonly durationMs: number; readonly producedBytes?: number };
}

describe('what extensions are told of the end of an invocation', { timeout: 20_000 }, () => {
  let subscriber: Server;
  let records: { readonly type: string; readonly record: unknown }[];
  before(async () => {
    subscriber = createServer((request, response) => {
      void text(request).then((batch) => {
        records.push(...(JSON.parse(batch) as typeof records));
        response.end();
      });
    }).listen(0, '127.0.0.1');
    await once(subscriber, 'listening');
  });
  after(() => subscriber.close());

  /** What it is when an instance with a subscriber `does` something. */
  async function done(
    does: string,
    more: { sink?: AnswerSink; killed?: boolean; deadlineMs?: number; setByMs?: number } = {},
  ): Promise<Done> {
    records = [];
    const deps: HostDeps = { clock: systemClock, ids: randomIds, loopbacks: null, spawner: {} as HostDeps['spawner'] };
    const version = aVersion();
    const spec = { version, taskRoot: '/', dependencyRoot: null, environment: {}, initTimeoutMs: 10_000, onDemand: true };
    const host = new ExtensionHost(deps, { spec, instance: { instanceId: 'i', logStream: 's', log: { line() {} } }, files: [] });
    const base = `http://${await host.open()}`;
    const name = { 'lambda-extension-name': 'within' };
    const registered = await fetch(`${base}/2020-01-01/extension/register`, { method: 'POST', headers: name, body: '{"events":[]}' });
    const URI = `http://sandbox.localdomain:${(subscriber.address() as AddressInfo).port}/`;
    const headers = { 'lambda-extension-identifier': registered.headers.get('lambda-extension-identifier') ?? '' };
    const body = JSON.stringify({ types: ['platform'], destination: { protocol: 'HTTP', URI } });
    const subscribed = await fetch(`${base}/2022-07-01/telemetry`, { method: 'PUT', headers, body });
    assert.equal(subscribed.status, 200, await subscribed.text());
    await host.ready(() => 1);
    let aheadMs = 0;
    const clock: Clock = { ...systemClock, now: () => systemClock.now() + aheadMs };
    const instance: DriverInstance = new ExtendedInstance(new Played(), host, { clock, initMs: 1 });
    const { sink, killed = false, deadlineMs = Date.now() + 60_000, setByMs = 0 } = more;
    const answered = instance.invoke({ ...invocation(does), ...(sink === undefined ? {} : { sink }) }, deadlineMs);
    const settled = answered.catch((error: unknown) => error);
    aheadMs = setByMs;
    if (killed) void instance.kill();
    await settled;
    await instance.kill();
    await host.shutdown('spindown');
    return records.find((r) => r.type === 'platform.runtimeDone')?.record as Done;
  }

  it('is how much it produced, also of an answer that streamed', async () => {
    assert.equal((await done('answer')).metrics.producedBytes, 10);
    const sink = {
      limitBytes: 1 << 20,
      begun: false,
      bytes: 0,
      begin() {},
      finish() {},
      write: (piece: Buffer) => void (sink.bytes += piece.length),
    };
    const streamed = await done('stream', { sink });
    assert.deepEqual([streamed.status, streamed.metrics.producedBytes], ['success', 1_000]);
  });

  it('is that its time was up, or that its runtime has ended', async () => {
    const late = await done('hang', { killed: true, deadlineMs: Date.now() });
    assert.deepEqual([late.status, late.errorType, late.metrics], ['timeout', undefined, { durationMs: 3_000 }]);
    const setBack = await done('hang', { killed: true, deadlineMs: Date.now(), setByMs: -3_600_000 });
    assert.equal(setBack.status, 'timeout');
    for (const died of [await done('die'), await done('hang', { killed: true }), await done('hang', { killed: true, setByMs: 3_600_000 })])
      assert.deepEqual([died.status, died.errorType], ['failure', 'Runtime.ExitError']);
  });
});
