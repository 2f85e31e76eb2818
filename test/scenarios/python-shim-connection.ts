import { randomUUID } from 'node:crypto';
import type { Socket } from 'node:net';
import { BODY_CHUNK_BYTES, Frame, type AnswerEnd, type Hello } from '../../src/runtimes/protocol.ts';
import { readReturned } from '../../src/runtimes/call-frames.ts';
import type { Result } from './python-shim-host.ts';

export interface FrameIn {
  readonly type: number;
  readonly request: number;
  readonly payload: Buffer;
}

type Wait = { readonly types: readonly number[]; readonly request: number | null; resolve(f: FrameIn): void; reject(e: Error): void };

/** The host's end of one shim's connection; keeps every frame until somebody asks for its type. */
export class ShimConnection {
  hello: Hello | null = null;
  readonly closed: Promise<void>;
  /** Whether answers are granted more window as they come. */
  grants = true;
  /** Bytes of all answers so far. */
  answerBytes = 0;
  #received: { bytes: number; done: (f: FrameIn) => void }[] = [];
  readonly #socket: Socket;
  #data = Buffer.alloc(0);
  #frames: FrameIn[] = [];
  #waits: Wait[] = [];
  #lastRequest = 0;
  #gone = false;

  constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('data', (data: Buffer) => this.#take(data));
    socket.on('error', () => {});
    this.closed = new Promise((resolve) =>
      socket.on('close', () => {
        this.#gone = true;
        for (const wait of this.#waits.splice(0)) wait.reject(new Error('connection closed'));
        resolve();
      }),
    );
  }

  newRequest(): number {
    return ++this.#lastRequest;
  }

  send(type: number, request: number, payload: Buffer = Buffer.alloc(0)): void {
    const header = Buffer.alloc(9);
    header.writeUInt32BE(5 + payload.length, 0);
    header.writeUInt8(type, 4);
    header.writeUInt32BE(request, 5);
    this.#socket.write(Buffer.concat([header, payload]));
  }

  sendJson(type: number, request: number, value: unknown): void {
    this.send(type, request, Buffer.from(JSON.stringify(value)));
  }

  end(): void {
    this.#socket.destroy();
  }

  /** The next frame of one of these types (of any request). */
  next(...types: number[]): Promise<FrameIn> {
    return this.#wait(types, null);
  }

  /** One invocation, start to end. */
  async call(event: Buffer, header: Record<string, unknown> = {}): Promise<Result> {
    const request = this.newRequest();
    const defaults = { requestId: randomUUID(), deadlineMs: Date.now() + 3_000, invokedArn: 'arn:demo', traceId: '', clientContext: '' };
    this.sendJson(Frame.invoke, request, { ...defaults, lineage: '', attempt: 1, bytes: event.length, ...header });
    for (let at = 0; at < event.length; at += BODY_CHUNK_BYTES) this.send(Frame.event, request, event.subarray(at, at + BODY_CHUNK_BYTES));
    this.send(Frame.eventEnd, request);
    const body: Buffer[] = [];
    for (;;) {
      const frame = await this.#wait([Frame.answer, Frame.answerEnd, Frame.returned], request);
      if (frame.type === Frame.returned) {
        const { answer, ...end } = readReturned(frame.payload);
        return { errorType: null, ...end, body: answer };
      }
      if (frame.type === Frame.answerEnd) return { ...(JSON.parse(frame.payload.toString()) as AnswerEnd), body: Buffer.concat(body) };
      body.push(frame.payload);
      if (this.grants) this.credit(request, frame.payload.length);
    }
  }

  /** Resolves with the frame by which this many bytes of answers have come. */
  received(bytes: number): Promise<FrameIn> {
    return new Promise((done) => this.#received.push({ bytes, done }));
  }

  credit(request: number, bytes: number): void {
    const grant = Buffer.alloc(4);
    grant.writeUInt32BE(bytes);
    this.send(Frame.credit, request, grant);
  }

  #wait(types: readonly number[], request: number | null): Promise<FrameIn> {
    const matches = (f: FrameIn): boolean => types.includes(f.type) && (request === null || f.request === request);
    const index = this.#frames.findIndex(matches);
    if (index >= 0) return Promise.resolve(this.#frames.splice(index, 1)[0] as FrameIn);
    if (this.#gone) return Promise.reject(new Error('connection closed'));
    return new Promise((resolve, reject) => this.#waits.push({ types, request, resolve, reject }));
  }

  #take(data: Buffer): void {
    this.#data = Buffer.concat([this.#data, data]);
    while (this.#data.length >= 9) {
      const end = 4 + this.#data.readUInt32BE(0);
      if (this.#data.length < end) return;
      const frame = {
        type: this.#data.readUInt8(4),
        request: this.#data.readUInt32BE(5),
        payload: Buffer.from(this.#data.subarray(9, end)),
      };
      this.#data = this.#data.subarray(end);
      if (frame.type === Frame.answer) this.#count(frame);
      const index = this.#waits.findIndex((w) => w.types.includes(frame.type) && (w.request === null || w.request === frame.request));
      if (index >= 0) this.#waits.splice(index, 1)[0]?.resolve(frame);
      else this.#frames.push(frame);
    }
  }

  #count(frame: FrameIn): void {
    this.answerBytes += frame.payload.length;
    this.#received = this.#received.filter(({ bytes, done }) => {
      if (this.answerBytes < bytes) return true;
      done(frame);
      return false;
    });
  }
}
