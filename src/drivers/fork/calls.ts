import { InstanceExited } from '../../fleet/driver.ts';
import type { Answer } from '../../fleet/driver.ts';
import type { ExitStatus } from '../../model/instance.ts';
import { FewMap } from '../../lib/few-map.ts';
import type { Invocation } from '../../model/invocation.ts';
import { encodeCall, fitsCall } from '../../runtimes/call-frames.ts';
import { FRAME_HEADER_BYTES, FrameError, encodeFrame, writeFrameHeader } from '../../runtimes/frames.ts';
import { BODY_CHUNK_BYTES, Frame } from '../../runtimes/protocol.ts';
import type { InvokeHeader } from '../../runtimes/protocol.ts';
import { readAnswerEnd, readReturnedEnd } from './answer-end.ts';
import type { Ended } from './answer-end.ts';
import { AnswerPieces } from './answer-pieces.ts';
import { CREDIT_STEP_BYTES, creditFrame } from './credit.ts';
import { answerTooLarge } from '../endings.ts';
import type { LogStream } from './log-stream.ts';
import type { Peer } from './peer.ts';
import { StreamedCalls } from './streamed-calls.ts';

/** Events up to this size are copied into one buffer with their frames; larger ones are sent as they lie, in pieces. */
const ONE_WRITE_BYTES = 64 * 1024;

interface Call {
  readonly requestId: string;
  readonly resolve: (answer: Answer) => void;
  readonly reject: (error: InstanceExited) => void;
  /** What has come of an answer in pieces; null: nothing yet, or it is longer than allowed and what comes is discarded. */
  pieces: AnswerPieces | null;
  tooLong: boolean;
  ungranted: number;
}

/** The invocations in flight on one connection, by their number. */
export class Calls {
  readonly #peer: Peer;
  readonly #log: LogStream;
  readonly #answerBytes: number;
  readonly #calls = new FewMap<number, Call>();
  /** Those whose answers stream; made for the first of them. */
  #streamed: StreamedCalls | null = null;
  /** Those who are told when the process that answered them has ended. */
  #last: (() => void)[] = [];
  #numbers = 0;
  #heavy = false;

  constructor(peer: Peer, log: LogStream, answerBytes: number) {
    this.#peer = peer;
    this.#log = log;
    this.#answerBytes = answerBytes;
  }

  get size(): number {
    return this.#calls.size + (this.#streamed?.size ?? 0);
  }

  /** Whether the process holds memory that the last invocation needed and is worth giving back. */
  get heavy(): boolean {
    return this.#heavy;
  }

  /** Sends one invocation, `preface` in front of it. */
  invoke(invocation: Invocation, deadlineMs: number, preface: Buffer | null): Promise<Answer> {
    const request = this.#number();
    this.#log.begin(invocation.requestId);
    if (invocation.sink !== undefined) {
      this.#streamed ??= new StreamedCalls(this.#peer, this.#log, {
        answerBytes: this.#answerBytes,
        atTheEnd: (tell) => this.#last.push(tell),
        ended: (heavy) => (this.#heavy = heavy),
      });
      const answer = this.#streamed.add(request, invocation.requestId, invocation.sink);
      this.#send(request, invocation, { deadlineMs, preface });
      return answer;
    }
    return new Promise((resolve, reject) => {
      this.#calls.set(request, { requestId: invocation.requestId, resolve, reject, pieces: null, tooLong: false, ungranted: 0 });
      this.#send(request, invocation, { deadlineMs, preface });
    });
  }

  /** Takes a frame of an instance. Throws FrameError at what an instance can't say. */
  take(type: number, request: number, payload: Buffer): void {
    const call = this.#calls.get(request);
    if (call === undefined) {
      if (this.#streamed?.take(type, request, payload) === true) return;
      throw new FrameError(`frame of type ${type} for no invocation: ${request}`);
    }
    if (type === Frame.returned) this.#returned(request, call, payload);
    else if (type === Frame.answer) this.#piece(request, call, payload);
    else if (type === Frame.answerEnd) this.#end(request, call, readAnswerEnd(payload));
    else throw new FrameError(`frame of type ${type} from an instance`);
  }

  /** Ends all that is in flight. */
  fail(status: ExitStatus): void {
    for (const [, call] of this.#calls.entries()) call.reject(new InstanceExited(status));
    this.#calls.clear();
    this.#streamed?.fail(status);
    setImmediate(tellAll, this.#last); // by then everybody knows that the instance is gone
    this.#last = [];
  }

  #number(): number {
    do this.#numbers = this.#numbers === 0xffff_ffff ? 1 : this.#numbers + 1;
    while (this.#calls.has(this.#numbers) || this.#streamed?.has(this.#numbers) === true);
    return this.#numbers;
  }

  #send(request: number, invocation: Invocation, { deadlineMs, preface }: { deadlineMs: number; preface: Buffer | null }): void {
    if (isUsual(invocation) && fitsCall(invocation)) {
      this.#peer.write(encodeCall(request, invocation, { deadlineMs, preface }));
      return;
    }
    const { body } = invocation;
    const json = JSON.stringify(headerOf(invocation, deadlineMs));
    const jsonBytes = Buffer.byteLength(json);
    const inline = body.length <= ONE_WRITE_BYTES;
    const before = preface?.length ?? 0;
    const eventBytes = inline && body.length > 0 ? FRAME_HEADER_BYTES + body.length : 0;
    const head = Buffer.allocUnsafe(before + FRAME_HEADER_BYTES + jsonBytes + eventBytes + (inline ? FRAME_HEADER_BYTES : 0));
    preface?.copy(head, 0);
    let at = writeFrameHeader(head, before, Frame.invoke, { request, bytes: jsonBytes });
    at += head.write(json, at, 'utf8');
    if (!inline) {
      this.#peer.writeAll([head, ...pieces(request, body), encodeFrame(Frame.eventEnd, request, null)]);
      return;
    }
    if (body.length > 0)
      at += body.copy(head, writeFrameHeader(head, at, Frame.event, { request, bytes: body.length })) + FRAME_HEADER_BYTES;
    writeFrameHeader(head, at, Frame.eventEnd, { request, bytes: 0 });
    this.#peer.write(head);
  }

  #piece(request: number, call: Call, payload: Buffer): void {
    if (!call.tooLong) {
      call.pieces ??= new AnswerPieces();
      call.pieces.push(payload);
      if (call.pieces.bytes > this.#answerBytes) {
        call.pieces = null;
        call.tooLong = true;
      }
    }
    call.ungranted += payload.length;
    if (call.ungranted < CREDIT_STEP_BYTES) return;
    this.#peer.write(creditFrame(request, call.ungranted));
    call.ungranted = 0;
  }

  #returned(request: number, call: Call, payload: Buffer): void {
    if (call.tooLong || call.pieces !== null) throw new FrameError('an answer that had begun is returned');
    const { end, answer } = readReturnedEnd(payload);
    if (answer.length > this.#answerBytes) call.tooLong = true;
    this.#end(request, call, end, answer);
  }

  // eslint-disable-next-line max-params -- the call, and both that its end may have come with
  #end(request: number, call: Call, end: Ended, returned: Buffer | null = null): void {
    this.#calls.delete(request);
    this.#heavy = end.heavy;
    const { errorType, body } = call.tooLong
      ? answerTooLarge(this.#answerBytes)
      : { errorType: end.errorType, body: returned ?? call.pieces?.take() ?? NOTHING };
    const { handlerMs, peakMemoryBytes } = end;
    const answer: Answer = { errorType, body, handlerMs, peakMemoryBytes, logged: this.#log.finish(call.requestId, end.marked) };
    if (end.last) this.#last.push(() => call.resolve(answer));
    else call.resolve(answer);
  }
}

const NOTHING = Buffer.alloc(0);

function tellAll(listeners: readonly (() => void)[]): void {
  for (const tell of listeners) tell();
}

/** Whether nothing need be said of it but what every invocation has. */
function isUsual({ traceId, clientContext, lineage, attempt, sink }: Invocation): boolean {
  return traceId === '' && clientContext === '' && lineage === '' && attempt === 1 && sink === undefined;
}

function headerOf(invocation: Invocation, deadlineMs: number): InvokeHeader {
  const { requestId, invokedArn, body, traceId, clientContext, lineage, attempt, sink } = invocation;
  const usual = { requestId, deadlineMs, invokedArn, bytes: body.length };
  if (isUsual(invocation)) return usual;
  return { ...usual, traceId, clientContext, lineage, attempt, ...(sink === undefined ? {} : { stream: true }) };
}

/** A large event as frames whose payloads are views of it. */
function* pieces(request: number, body: Buffer): Generator<Buffer> {
  for (let from = 0; from < body.length; from += BODY_CHUNK_BYTES) {
    const piece = body.subarray(from, from + BODY_CHUNK_BYTES);
    const header = Buffer.allocUnsafe(FRAME_HEADER_BYTES);
    writeFrameHeader(header, 0, Frame.event, { request, bytes: piece.length });
    yield header;
    yield piece;
  }
}
