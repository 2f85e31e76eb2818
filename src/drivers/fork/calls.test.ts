import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import type { Socket } from 'node:net';
import { tmpdir, totalmem } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { InstanceExited } from '../../fleet/driver.ts';
import type { AnswerSink } from '../../model/answer-sink.ts';
import { VirtualClock } from '../../lib/virtual-clock.ts';
import type { Invocation } from '../../model/invocation.ts';
import { FrameDecoder, encodeFrame, encodeJsonFrame } from '../../runtimes/frames.ts';
import { ANSWER_WINDOW_BYTES, Frame } from '../../runtimes/protocol.ts';
import { Calls } from './calls.ts';
import { LogStream } from './log-stream.ts';
import { Peer } from './peer.ts';

const directory = mkdtempSync(join(tmpdir(), 'hearth-calls-'));
after(() => rmSync(directory, { recursive: true }));
let sockets = 0;

type Received = [number, number, Buffer];

/** A host's side with a shim at the other end that records what comes and says what it is told. */
async function connection(
  answerBytes = 1_000,
): Promise<{ calls: Calls; peer: Peer; shim: Socket; received: Received[]; reads: () => number; close: () => void }> {
  const path = join(directory, String(++sockets));
  const received: Received[] = [];
  let reads = 0;
  const server = createServer();
  const accepted = new Promise<Socket>((resolve) => server.once('connection', resolve));
  await new Promise<void>((resolve) => server.listen(path, resolve));
  const shim = connect(path);
  const decoder = new FrameDecoder((type, request, payload) => received.push([type, request, Buffer.from(payload)]));
  shim.on('data', (chunk: Buffer) => (reads++, decoder.push(chunk)));
  const peer = new Peer(await accepted, (type, request, payload) => calls.take(type, request, payload));
  const log = new LogStream({ token: 't', clock: new VirtualClock(), concurrency: 1, sink: { line: () => {} } });
  const calls = new Calls(peer, log, answerBytes);
  return { calls, peer, shim, received, reads: () => reads, close: () => (peer.drop(), shim.destroy(), server.close()) };
}

function invocation(body: Buffer): Invocation {
  return { requestId: 'r', attempt: 2, body, invokedArn: 'arn', traceId: 'ä', clientContext: '', lineage: '', receivedAtMs: 0 };
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setImmediate(resolve));
}

/** A sink that takes nothing until it is told to. */
class LateSink implements AnswerSink {
  readonly limitBytes = 1_000_000;
  readonly pieces: Buffer[] = [];
  begun = false;
  bytes = 0;
  finished = false;
  readonly #waiting: (() => void)[] = [];
  begin(): void {
    this.begun = true;
  }
  write(piece: Buffer, taken: () => void): void {
    assert.ok(!this.finished);
    this.pieces.push(piece);
    this.bytes += piece.length;
    this.#waiting.push(taken);
  }
  finish(): void {
    this.finished = true;
  }
  takeAll(): void {
    for (const taken of this.#waiting.splice(0)) taken();
  }
}

const begin = encodeJsonFrame(Frame.answerBegin, 1, { contentType: 'text/plain' });
const byByte = (text: string): Buffer => Buffer.concat(text.split('').map((c) => encodeFrame(Frame.answer, 1, Buffer.from(c))));
const nothings = (count: number): Buffer => Buffer.concat(Array.from({ length: count }, () => encodeFrame(Frame.answer, 1, null)));

const end = (request: number): Buffer => encodeJsonFrame(Frame.answerEnd, request, { errorType: null, handlerMs: 1, peakMemoryBytes: 2 });

/** As a shim says it. */
function returned(request: number, answer: string, { handlerMs = 1, peakMemoryBytes = 2 } = {}): Buffer {
  const head = Buffer.alloc(17);
  head.writeDoubleBE(handlerMs, 1);
  head.writeDoubleBE(peakMemoryBytes, 9);
  return encodeFrame(Frame.returned, request, Buffer.concat([head, Buffer.from(answer)]));
}

describe('calls', { timeout: 20_000 }, () => {
  it('sends a small event and what goes before it in one piece', async () => {
    const c = await connection();
    const answer = c.calls.invoke(invocation(Buffer.from('{"a":1}')), 99, encodeFrame(Frame.welcome, 0, Buffer.from('{}')));
    await until(() => c.received.length === 4);
    assert.equal(c.reads(), 1);
    assert.deepEqual(
      c.received.map(([type, request]) => [type, request]),
      [
        [Frame.welcome, 0],
        [Frame.invoke, 1],
        [Frame.event, 1],
        [Frame.eventEnd, 1],
      ],
    );
    const header = JSON.parse(c.received[1]![2].toString()) as object;
    assert.deepEqual(header, {
      requestId: 'r',
      deadlineMs: 99,
      invokedArn: 'arn',
      traceId: 'ä',
      clientContext: '',
      lineage: '',
      attempt: 2,
      bytes: 7,
    });
    c.shim.write(Buffer.concat([encodeFrame(Frame.answer, 1, Buffer.from('ok')), end(1)]));
    const { body, errorType, handlerMs, peakMemoryBytes } = await answer;
    assert.deepEqual([body.toString(), errorType, handlerMs, peakMemoryBytes], ['ok', null, 1, 2]);
    c.close();
  });

  it('sends what is usual in one frame, and takes an answer in one', async () => {
    const c = await connection();
    const usual = { ...invocation(Buffer.from('{"ä":1}')), attempt: 1, traceId: '' };
    const answer = c.calls.invoke(usual, 1_795_917_799_777.25, encodeFrame(Frame.welcome, 0, Buffer.from('{}')));
    await until(() => c.received.length === 2);
    assert.equal(c.reads(), 1);
    const [type, request, payload] = c.received[1]!;
    assert.deepEqual([type, request], [Frame.call, 1]);
    assert.equal(payload.readDoubleBE(0), 1_795_917_799_777.25);
    assert.deepEqual([payload[8], payload.readUInt16BE(9)], [1, 3]);
    assert.equal(payload.toString('utf8', 11), 'rarn{"ä":1}');
    c.shim.write(returned(1, 'ok', { handlerMs: 1.5, peakMemoryBytes: 4_096 }));
    const { body, errorType, handlerMs, peakMemoryBytes } = await answer;
    assert.deepEqual([body.toString(), errorType, handlerMs, peakMemoryBytes], ['ok', null, 1.5, 4_096]);
    const large = c.calls.invoke({ ...usual, body: Buffer.alloc(20_000, '1') }, 0, null);
    await until(() => c.received.length === 5);
    assert.deepEqual(
      c.received.slice(2).map(([t]) => t),
      [Frame.invoke, Frame.event, Frame.eventEnd],
    );
    c.shim.write(returned(2, 'x'.repeat(1_001)));
    assert.equal((await large).errorType, 'Function.ResponseSizeTooLarge');
    const sink = new LateSink();
    const plain = c.calls.invoke({ ...usual, sink }, 0, null);
    await until(() => c.received.length === 8);
    c.shim.write(returned(3, 'by a handler that does not stream', { handlerMs: Number.NaN, peakMemoryBytes: -1 }));
    const end = await plain;
    assert.deepEqual([end.body.toString(), end.handlerMs, end.peakMemoryBytes], ['by a handler that does not stream', 0, 0]);
    assert.equal(sink.begun, false);
    c.close();
  });

  it('sends a large event whole, in frames that are allowed, and an empty one as nothing', async () => {
    const c = await connection();
    const body = Buffer.alloc(3_000_000, 'abcdefg');
    void c.calls.invoke(invocation(body), 0, null).catch(() => {});
    void c.calls.invoke(invocation(Buffer.alloc(0)), 0, null).catch(() => {});
    await until(() => c.received.filter(([type]) => type === Frame.eventEnd).length === 2);
    assert.ok(
      Buffer.concat(c.received.filter(([type, request]) => type === Frame.event && request === 1).map(([, , p]) => p)).equals(body),
    );
    assert.equal(c.received.filter(([type, request]) => type === Frame.event && request === 2).length, 0);
    c.close();
  });

  it('tells answers that overlap apart', async () => {
    const c = await connection();
    const answers = [1, 2, 3].map(() => c.calls.invoke(invocation(Buffer.from('1')), 0, null));
    for (const piece of ['a', 'b'])
      for (const request of [3, 1, 2]) c.shim.write(encodeFrame(Frame.answer, request, Buffer.from(`${request}${piece}`)));
    for (const request of [2, 3, 1]) c.shim.write(end(request));
    assert.deepEqual(
      (await Promise.all(answers)).map((a) => a.body.toString()),
      ['1a1b', '2a2b', '3a3b'],
    );
    assert.equal(c.calls.size, 0);
    c.close();
  });

  it('puts an answer of single bytes together, and takes no notice of pieces of nothing', async () => {
    const text = 'abcdefghij'.repeat(5_000);
    const c = await connection(text.length);
    const answer = c.calls.invoke(invocation(Buffer.from('1')), 0, null);
    c.shim.write(Buffer.concat([nothings(10_000), byByte(text), nothings(10_000), end(1)]));
    assert.equal((await answer).body.toString(), text);
    c.close();
  });

  it('gives a sink that is slow what came meanwhile in one piece, and never a piece of nothing', async () => {
    for (const how of ['taken', 'finished', 'ended', 'crashed'] as const) {
      const c = await connection();
      const sink = new LateSink();
      const answer = c.calls.invoke({ ...invocation(Buffer.from('1')), sink }, 0, null);
      const crashed = how === 'crashed' ? assert.rejects(answer, InstanceExited) : null;
      const text = 'abcdefghij'.repeat(1_000);
      c.shim.write(Buffer.concat([begin, nothings(1_000), byByte(text)]));
      c.shim.write(encodeFrame(Frame.answer, 1, Buffer.from('last')));
      if (how === 'taken' || how === 'crashed') {
        const other = c.calls.invoke({ ...invocation(Buffer.from('2')) }, 0, null);
        c.shim.write(end(2)); // all before it has come
        await other;
        assert.equal(sink.pieces.length, 16);
        if (how === 'taken') sink.takeAll();
        else c.calls.fail({ code: 1, signal: null });
      } else if (how === 'finished') {
        c.shim.write(encodeFrame(Frame.answerFinish, 1, null));
        await until(() => sink.finished);
      } else {
        c.shim.write(end(1));
        await answer;
      }
      assert.deepEqual([sink.pieces.length, Buffer.concat(sink.pieces).toString()], [17, `${text}last`], how);
      assert.ok(sink.pieces.every(({ length }) => length > 0));
      if (how === 'taken' || how === 'finished') c.shim.write(end(1));
      await (crashed ?? answer);
      c.close();
    }
  });

  it('closes the connection of one that goes on with an answer that it has said to be complete', async () => {
    const c = await connection();
    const sink = new LateSink();
    const failed = c.calls.invoke({ ...invocation(Buffer.from('1')), sink }, 0, null).catch((error: unknown) => error);
    c.shim.write(Buffer.concat([begin, byByte('a'), encodeFrame(Frame.answerFinish, 1, null), byByte('b')]));
    await new Promise<void>((resolve) => c.peer.onClose(resolve));
    assert.equal(Buffer.concat(sink.pieces).toString(), 'a');
    c.calls.fail({ code: 1, signal: null });
    assert.ok((await failed) instanceof InstanceExited);
    c.close();
  });

  it('grants what it has taken, kept or discarded, and keeps no more than allowed', async () => {
    const c = await connection(1_000);
    const answer = c.calls.invoke(invocation(Buffer.from('1')), 0, null);
    const pieces = 8;
    for (let i = 0; i < pieces; i++) c.shim.write(encodeFrame(Frame.answer, 1, Buffer.alloc(ANSWER_WINDOW_BYTES / 4)));
    c.shim.write(end(1));
    assert.equal((await answer).errorType, 'Function.ResponseSizeTooLarge');
    const granted = (): number => c.received.filter(([type]) => type === Frame.credit).reduce((sum, [, , p]) => sum + p.readUInt32BE(0), 0);
    await until(() => granted() === (pieces * ANSWER_WINDOW_BYTES) / 4);
    c.close();
  });

  it('reads figures that can not be as the nearest that can', async () => {
    const said: [string, number, number][] = [
      ['"handlerMs":-1e400,"peakMemoryBytes":-1e400', 0, 0],
      ['"handlerMs":1e400,"peakMemoryBytes":1e400', Number.MAX_SAFE_INTEGER, totalmem()],
      ['"handlerMs":-0.5,"peakMemoryBytes":1e300', 0, totalmem()],
    ];
    for (const [figures, handlerMs, peakMemoryBytes] of said) {
      const c = await connection();
      const answer = c.calls.invoke(invocation(Buffer.from('1')), 0, null);
      c.shim.write(encodeFrame(Frame.answerEnd, 1, Buffer.from(`{"errorType":null,${figures}}`)));
      const read = await answer;
      assert.deepEqual([read.handlerMs, read.peakMemoryBytes], [handlerMs, peakMemoryBytes]);
      c.close();
    }
  });

  it('closes the connection on what an instance can not say', async () => {
    const wrong = [
      end(7),
      encodeFrame(Frame.answer, 7, Buffer.from('x')),
      encodeFrame(Frame.forked, 1, Buffer.from('{}')),
      encodeFrame(200 as 64, 1, null),
      encodeJsonFrame(Frame.answerEnd, 1, { errorType: null }),
      encodeFrame(Frame.returned, 1, Buffer.alloc(16)),
      Buffer.concat([encodeFrame(Frame.answer, 1, Buffer.from('x')), returned(1, 'y')]),
      Buffer.from([0, 0, 0, 0, 0, 0, 0, 0]),
      Buffer.from([255, 255, 255, 255]),
    ];
    for (const bytes of wrong) {
      const c = await connection();
      const failed = c.calls.invoke(invocation(Buffer.from('1')), 0, null).catch((error: unknown) => error);
      c.shim.write(bytes);
      await new Promise<void>((resolve) => c.peer.onClose(resolve));
      assert.ok(c.peer.complaint !== null);
      c.calls.fail({ code: 1, signal: null });
      assert.ok((await failed) instanceof InstanceExited);
      c.close();
    }
  });
});
