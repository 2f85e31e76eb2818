import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { InstanceExited, type Answer, type DriverInstance } from '../../src/fleet/driver.ts';
import type { AnswerSink } from '../../src/model/answer-sink.ts';
import { farDeadlineMs, invocation } from './driver.contract.ts';

const MIB = 1 << 20;
/** Most that may be there and not taken; what lies in the sockets' own buffers is not counted, because it has not come. */
const WINDOW_BYTES = MIB;

/** Turns of the event loop that a slow reader needs for a piece. */
const SLOW_TURNS = 20;

/** A sink that remembers. A `slow` one takes a piece after the other, and its time. */
export class TestSink implements AnswerSink {
  readonly limitBytes: number;
  readonly pieces: Buffer[] = [];
  contentType: string | null = null;
  bytes = 0;
  finished = false;
  /** Most bytes that were there and not taken. */
  most = 0;
  readonly #slow: boolean;
  #reading: Promise<void> = Promise.resolve();
  #heldBytes = 0;
  #changed: (() => void)[] = [];

  constructor(limitBytes = 200 * MIB, slow = false) {
    this.limitBytes = limitBytes;
    this.#slow = slow;
  }

  get begun(): boolean {
    return this.contentType !== null;
  }

  get text(): string {
    return Buffer.concat(this.pieces).toString();
  }

  begin(contentType: string): void {
    assert.equal(this.contentType, null, 'begun twice');
    this.contentType = contentType;
  }

  write(piece: Buffer, taken: () => void): void {
    assert.ok(this.begun && !this.finished, 'a piece outside the answer');
    this.pieces.push(Buffer.from(piece));
    this.bytes += piece.length;
    if (this.#slow) {
      this.#heldBytes += piece.length;
      this.most = Math.max(this.most, this.#heldBytes);
      this.#reading = this.#reading.then(() => this.#read(piece.length, taken));
    } else taken();
    for (const changed of this.#changed) changed();
  }

  finish(): void {
    this.finished = true;
  }

  /** Resolves when so many bytes have come. */
  async until(bytes: number): Promise<void> {
    while (this.bytes < bytes) await new Promise<void>((resolve) => this.#changed.push(resolve));
  }

  async #read(bytes: number, taken: () => void): Promise<void> {
    for (let turn = 0; turn < SLOW_TURNS; turn++) await new Promise((resolve) => setImmediate(resolve));
    this.#heldBytes -= bytes;
    taken();
  }
}

/** What a streaming function is to do: write, and then end, throw, exit or hang. */
export interface Does {
  readonly type?: string;
  readonly pieces?: readonly string[];
  /** More, in pieces of 64 kB. */
  readonly bytes?: number;
  readonly then?: 'throw' | 'exit' | 'hang';
}

/** One implementation of streaming. */
export interface StreamUnderTest {
  /** An instance of a function that does what its event says. */
  start(): Promise<{ readonly instance: DriverInstance; readonly close: () => Promise<void> }>;
  event(does: Does): unknown;
  settle<T>(promise: Promise<T>): Promise<T>;
  readonly skips?: Readonly<Record<string, string>>;
}

/** What `Invocation.sink` means: every driver whose functions can stream passes it. */
export function streamContract(name: string, subject: StreamUnderTest): void {
  describe(`streamed answers: ${name}`, { timeout: 60_000 }, () => {
    let instance: DriverInstance;
    let close: () => Promise<void>;
    const settle = <T>(promise: Promise<T>): Promise<T> => subject.settle(promise);
    const open = async (): Promise<void> => void ({ instance, close } = await settle(subject.start()));
    before(open);
    after(() => settle(close()));
    const begin = (does: Does, sink?: AnswerSink): Promise<Answer> =>
      instance.invoke({ ...invocation(subject.event(does)), ...(sink === undefined ? {} : { sink }) }, farDeadlineMs());
    const call = (does: Does, sink?: AnswerSink): Promise<Answer> => settle(begin(does, sink));
    const test = (title: string, body: () => Promise<void>): void => {
      const skip = subject.skips?.[title];
      it(title, skip === undefined ? {} : { skip }, body);
    };
    /** For tests that end the instance. */
    const anew = async (): Promise<void> => {
      await settle(close());
      await open();
    };

    test('an answer goes on as it is written, under its own type', async () => {
      const sink = new TestSink();
      const answer = await call({ type: 'text/event-stream', pieces: ['a', 'bc', 'ü'] }, sink);
      assert.deepEqual([sink.contentType, sink.text], ['text/event-stream', 'abcü']);
      assert.deepEqual([answer.errorType, answer.body.length], [null, 0]);
      assert.ok(answer.handlerMs >= 0 && answer.peakMemoryBytes > 0);
    });

    test('one who has no sink gets it whole', async () => {
      const answer = await call({ pieces: ['a', 'bc', 'ü'] });
      assert.deepEqual([answer.errorType, answer.body.toString()], [null, 'abcü']);
    });

    test('an error half-way is told at the end; whole, it is all there is', async () => {
      const sink = new TestSink();
      for (const answer of [await call({ pieces: ['a'], then: 'throw' }, sink), await call({ pieces: ['a'], then: 'throw' })]) {
        assert.equal(answer.errorType, 'RangeError');
        assert.equal((JSON.parse(answer.body.toString()) as { errorMessage: string }).errorMessage, 'half-way');
      }
      assert.equal(sink.text, 'a');
    });

    test('an error before the first piece leaves nothing begun', async () => {
      const sink = new TestSink();
      const answer = await call({ then: 'throw' }, sink);
      assert.deepEqual([answer.errorType, sink.begun], ['RangeError', false]);
      assert.equal((JSON.parse(answer.body.toString()) as { errorMessage: string }).errorMessage, 'half-way');
    });

    test('a slow reader makes the handler wait, in bounded memory', async () => {
      const sink = new TestSink(200 * MIB, true);
      const answer = await call({ bytes: 6 * MIB }, sink);
      assert.deepEqual([answer.errorType, sink.bytes], [null, 6 * MIB]);
      assert.ok(sink.most <= WINDOW_BYTES, `${sink.most} bytes were there at once`);
    });

    test('more than may be streamed ends the answer, not the instance', async () => {
      const sink = new TestSink(100_000);
      const answer = await call({ bytes: 4 * MIB }, sink);
      assert.equal(answer.errorType, 'Function.ResponseSizeTooLarge');
      assert.ok(sink.bytes <= 100_000);
      assert.equal((await call({ pieces: ['again'] })).body.toString(), 'again');
    });

    test('the first piece comes while the handler runs', async () => {
      const sink = new TestSink();
      const pending = begin({ pieces: ['first'], then: 'hang' }, sink).catch((error: unknown) => error);
      await settle(sink.until(5));
      assert.equal(sink.text, 'first');
      await settle(instance.kill());
      assert.ok((await settle(pending)) instanceof InstanceExited);
      await anew();
    });

    test('an instance that ends half-way loses only that invocation', async () => {
      const sink = new TestSink();
      const error = await settle(begin({ pieces: ['a'], then: 'exit' }, sink).catch((e: unknown) => e));
      assert.ok(error instanceof InstanceExited, String(error));
      assert.deepEqual([error.status.code, sink.text], [7, 'a']);
      await anew();
    });
  });
}
