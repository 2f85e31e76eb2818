import { InstanceExited } from '../../fleet/driver.ts';
import type { Answer } from '../../fleet/driver.ts';
import type { AnswerSink } from '../../model/answer-sink.ts';
import type { ExitStatus } from '../../model/instance.ts';
import { FrameError, decodeJson, encodeFrame } from '../../runtimes/frames.ts';
import { ANSWER_WINDOW_BYTES, Frame } from '../../runtimes/protocol.ts';
import { readAnswerEnd, readReturnedEnd } from './answer-end.ts';
import type { Ended } from './answer-end.ts';
import { AnswerPieces } from './answer-pieces.ts';
import { CREDIT_STEP_BYTES, creditFrame } from './credit.ts';
import { answerTooLarge } from '../endings.ts';
import type { LogStream } from './log-stream.ts';
import type { Peer } from './peer.ts';

/** Pieces that a sink has and has not taken yet; what comes beside them is gathered and given to it in one. */
const MOST_UNTAKEN = 16;

interface StreamedCall {
  readonly requestId: string;
  readonly sink: AnswerSink;
  readonly resolve: (answer: Answer) => void;
  readonly reject: (error: InstanceExited) => void;
  /** What came of an answer that does not stream; null once it is longer than allowed. */
  whole: AnswerPieces | null;
  /** More came than may be streamed: the rest is dropped. */
  overflown: boolean;
  /** It was said to be complete. */
  finished: boolean;
  /** Bytes that the instance sent and may not send again yet; those of them that the sink has taken wait for the next step. */
  outstanding: number;
  taken: number;
  /** How many pieces the sink has and has not taken; what waits for it to take one. */
  untaken: number;
  readonly gathered: AnswerPieces;
}

/** The invocations of one connection whose answers go on to their callers as they come. Credit is granted for what a caller has taken. */
export class StreamedCalls {
  readonly #peer: Peer;
  readonly #log: LogStream;
  readonly #answerBytes: number;
  readonly #calls = new Map<number, StreamedCall>();
  /** Takes what is to be told when the process that answered has ended. */
  readonly #atTheEnd: (tell: () => void) => void;
  readonly #ended: (heavy: boolean) => void;

  /** `answerBytes`: the longest answer of a handler that does not stream. `ended` is told of each whether it left memory that is worth giving back. */
  constructor(
    peer: Peer,
    log: LogStream,
    o: { answerBytes: number; atTheEnd: (tell: () => void) => void; ended: (heavy: boolean) => void },
  ) {
    this.#peer = peer;
    this.#log = log;
    this.#answerBytes = o.answerBytes;
    this.#atTheEnd = o.atTheEnd;
    this.#ended = o.ended;
  }

  get size(): number {
    return this.#calls.size;
  }

  has(request: number): boolean {
    return this.#calls.has(request);
  }

  /** Expects the answer of an invocation that is about to be sent. Its body is empty, or the error document, when it was streamed. */
  add(request: number, requestId: string, sink: AnswerSink): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const pieces = { whole: new AnswerPieces(), gathered: new AnswerPieces() };
      const state = { ...pieces, overflown: false, finished: false, outstanding: 0, taken: 0, untaken: 0 };
      this.#calls.set(request, { requestId, sink, resolve, reject, ...state });
    });
  }

  /** Takes a frame; false when it is for none of these. Throws FrameError at what an instance can't say. */
  take(type: number, request: number, payload: Buffer): boolean {
    const call = this.#calls.get(request);
    if (call === undefined) return false;
    if (type === Frame.answer) this.#piece(request, call, payload);
    else if (type === Frame.answerBegin) this.#begin(call, payload);
    else if (type === Frame.answerFinish) this.#finish(request, call);
    else if (type === Frame.answerEnd) this.#end(request, call, readAnswerEnd(payload));
    else if (type === Frame.returned) this.#returned(request, call, payload);
    else throw new FrameError(`frame of type ${type} from an instance`);
    return true;
  }

  /** Ends all that is in flight. What has come of an answer is its caller's all the same. */
  fail(status: ExitStatus): void {
    const calls = [...this.#calls];
    this.#calls.clear();
    for (const [request, call] of calls) {
      this.#passGathered(request, call);
      call.reject(new InstanceExited(status));
    }
  }

  #begin(call: StreamedCall, payload: Buffer): void {
    const { contentType } = decodeJson(payload);
    if (typeof contentType !== 'string' || call.sink.begun || call.whole?.bytes !== 0)
      throw new FrameError('an answer begins twice, or as nothing');
    call.sink.begin(contentType);
  }

  #piece(request: number, call: StreamedCall, payload: Buffer): void {
    if (payload.length === 0) return; // nothing, which could be without end
    if (call.finished) throw new FrameError('a piece of an answer that was complete');
    const { sink, gathered } = call;
    call.outstanding += payload.length;
    if (call.outstanding > ANSWER_WINDOW_BYTES) throw new FrameError('more of an answer than was granted');
    if (!sink.begun) {
      call.whole?.push(payload);
      if ((call.whole?.bytes ?? 0) > this.#answerBytes) call.whole = null;
    } else if (sink.bytes + gathered.bytes + payload.length > sink.limitBytes) {
      if (!call.overflown) this.#peer.write(encodeFrame(Frame.cancel, request, null));
      call.overflown = true;
    } else if (!call.overflown) {
      if (call.untaken < MOST_UNTAKEN) this.#pass(request, call, payload);
      else gathered.push(payload);
      return;
    }
    this.#took(request, call, payload.length);
  }

  #pass(request: number, call: StreamedCall, piece: Buffer): void {
    call.untaken++;
    call.sink.write(piece, () => {
      call.untaken--;
      this.#took(request, call, piece.length);
      this.#passGathered(request, call);
    });
  }

  #passGathered(request: number, call: StreamedCall): void {
    if (call.gathered.bytes > 0) this.#pass(request, call, call.gathered.take());
  }

  #took(request: number, call: StreamedCall, bytes: number): void {
    call.taken += bytes;
    if (call.taken < CREDIT_STEP_BYTES || !this.#calls.has(request)) return;
    this.#peer.write(creditFrame(request, call.taken));
    call.outstanding -= call.taken;
    call.taken = 0;
  }

  #finish(request: number, call: StreamedCall): void {
    if (!call.sink.begun) throw new FrameError('an answer that never began is finished');
    call.finished = true;
    this.#passGathered(request, call);
    if (!call.overflown) call.sink.finish();
  }

  /** By a handler that does not stream. */
  #returned(request: number, call: StreamedCall, payload: Buffer): void {
    const { end, answer } = readReturnedEnd(payload);
    if (call.sink.begun || call.whole?.bytes !== 0) throw new FrameError('an answer that had begun is returned');
    if (answer.length > this.#answerBytes) call.whole = null;
    else call.whole.push(answer);
    this.#end(request, call, end);
  }

  #end(request: number, call: StreamedCall, end: Ended): void {
    const { errorType, errorDocument, handlerMs, peakMemoryBytes, marked, heavy, last } = end;
    this.#calls.delete(request);
    this.#passGathered(request, call);
    this.#ended(heavy);
    const measured = { handlerMs, peakMemoryBytes, logged: this.#log.finish(call.requestId, marked) };
    const answer = { ...this.#answer(call, errorType, errorDocument), ...measured };
    if (last) this.#atTheEnd(() => call.resolve(answer));
    else call.resolve(answer);
  }

  #answer({ sink, whole, overflown }: StreamedCall, errorType: string | null, errorDocument: string): Pick<Answer, 'errorType' | 'body'> {
    if (overflown) return answerTooLarge(sink.limitBytes);
    if (whole === null) return answerTooLarge(this.#answerBytes);
    return { errorType, body: sink.begun ? Buffer.from(errorDocument) : whole.take() };
  }
}
