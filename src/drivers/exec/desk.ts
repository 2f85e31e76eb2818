import type { Clock } from '../../lib/clock.ts';
import type { AnswerSink } from '../../model/answer-sink.ts';
import type { Invocation } from '../../model/invocation.ts';
import { answerTooLarge } from '../endings.ts';
import { errorDocument } from './failures.ts';
import type { NextInvocation, Refusal, RuntimeApiHandler } from './runtime-api.ts';

/** How the runtime answered an invocation. */
export interface DeskAnswer {
  readonly errorType: string | null;
  readonly body: Buffer;
  /** From handing it out to the end of the answer, milliseconds. */
  readonly handlerMs: number;
}

interface Running {
  readonly startedAtMs: number;
  readonly sink: AnswerSink | null;
  readonly settle: (answer: DeskAnswer) => void;
  /** Its answer is on its way. */
  answering: boolean;
}

export interface DeskEvents {
  /** The runtime asked for its first invocation: the init phase has ended. */
  ready(): void;
  initFailed(errorType: string, body: Buffer): void;
  /** An invocation was handed out. */
  started(requestId: string): void;
  /** An answer came; the runtime goes on when this resolves. */
  ended(requestId: string): Promise<void>;
}

/** A runtime that ended under its response is told of as ended, which takes a moment to be known. */
const TRUNCATED_PATIENCE_MS = 250;

type Deliver = (invocation: NextInvocation) => boolean;

/** The state behind one instance's Runtime API: who is waiting, what is running, what is allowed. Names of states are Lambda's. */
export class Desk implements RuntimeApiHandler {
  readonly #clock: Clock;
  readonly #concurrency: number;
  readonly #events: DeskEvents;
  readonly #waiting: Deliver[] = [];
  readonly #pending: { invocation: NextInvocation; sink: AnswerSink | null; settle: (answer: DeskAnswer) => void }[] = [];
  readonly #running = new Map<string, Running>();
  #answeredLast: string | null = null;
  #state: 'Started' | 'Ready' | 'InitError' = 'Started';

  constructor(options: { clock: Clock; concurrency: number; events: DeskEvents }) {
    this.#clock = options.clock;
    this.#concurrency = options.concurrency;
    this.#events = options.events;
  }

  /** Invocations handed out and not answered. */
  get running(): number {
    return this.#running.size;
  }

  /** Hands an invocation to the runtime as soon as it asks; `settle` is called once, or never when the runtime ends. */
  submit(invocation: Invocation, deadlineMs: number, settle: (answer: DeskAnswer) => void): void {
    this.#pending.push({
      invocation: { requestId: invocation.requestId, headers: headersOf(invocation, deadlineMs), body: eventOf(invocation) },
      sink: invocation.sink ?? null,
      settle,
    });
    this.#match();
  }

  next(deliver: Deliver): Refusal | null {
    if (this.#state === 'InitError') return notAllowed('InitError', 'Ready');
    if (this.#running.size >= this.#concurrency) return notAllowed('Running', 'Ready');
    this.#waiting.push(deliver);
    if (this.#state === 'Started') {
      this.#state = 'Ready';
      this.#events.ready();
    }
    this.#match();
    return null;
  }

  gaveUp(deliver: Deliver): void {
    const at = this.#waiting.indexOf(deliver);
    if (at >= 0) this.#waiting.splice(at, 1);
  }

  beginAnswer(requestId: string): Refusal | null {
    const running = this.#running.get(requestId);
    if (running?.answering === true) return notAllowed('InvocationResponse', 'InvocationResponse');
    if (running !== undefined) {
      running.answering = true;
      return null;
    }
    // The last one is known still: its second answer is one too many.
    if (requestId !== this.#answeredLast) return { status: 400, errorType: 'InvalidRequestID', errorMessage: 'Invalid request ID' };
    return notAllowed(this.#state, 'InvocationResponse');
  }

  brokeOff(requestId: string): void {
    const running = this.#running.get(requestId);
    if (running !== undefined) running.answering = false;
  }

  async answered(requestId: string, errorType: string | null, body: Buffer): Promise<void> {
    const running = this.#running.get(requestId);
    if (running === undefined) return;
    const handlerMs = this.#clock.monotonic() - running.startedAtMs;
    this.#running.delete(requestId);
    this.#answeredLast = requestId;
    const ended = this.#events.ended(requestId);
    running.settle({ errorType, body, handlerMs });
    await ended;
  }

  sink(requestId: string): AnswerSink | null {
    return this.#running.get(requestId)?.sink ?? null;
  }

  truncated(requestId: string): void {
    const document = errorDocument('Runtime.TruncatedResponse', 'The runtime broke off its response before it was complete.');
    this.#clock.after(TRUNCATED_PATIENCE_MS, () => void this.answered(requestId, 'Runtime.TruncatedResponse', document));
  }

  tooLarge(requestId: string, limitBytes: number): Promise<void> {
    const { errorType, body } = answerTooLarge(limitBytes);
    return this.answered(requestId, errorType, body);
  }

  invalidMode(requestId: string): Promise<void> {
    const errorType = 'Runtime.InvalidResponseModeHeader';
    return this.answered(
      requestId,
      errorType,
      errorDocument(errorType, 'Lambda-Runtime-Function-Response-Mode is neither absent nor streaming.'),
    );
  }

  beginInitError(): Refusal | null {
    if (this.#state !== 'Started') return notAllowed(this.#running.size > 0 ? 'Running' : this.#state, 'InitError');
    this.#state = 'InitError';
    return null;
  }

  initError(errorType: string, body: Buffer): void {
    this.#events.initFailed(errorType, body);
  }

  #match(): void {
    while (this.#pending.length > 0 && this.#waiting.length > 0) {
      const { invocation, sink, settle } = this.#pending[0]!;
      if (!this.#waiting.shift()!(invocation)) continue; // that poll was given up
      this.#pending.shift();
      this.#running.set(invocation.requestId, { startedAtMs: this.#clock.monotonic(), sink, settle, answering: false });
      this.#events.started(invocation.requestId);
    }
  }
}

function notAllowed(from: string, to: string): Refusal {
  const errorMessage = `State transition from ${from} to ${to} failed for runtime. Error: State transition is not allowed`;
  return { status: 403, errorType: 'InvalidStateTransition', errorMessage };
}

const EMPTY_EVENT = Buffer.from('{}');

/** An invocation that says nothing is of an empty object, as on Lambda: no runtime can parse nothing. */
function eventOf({ body }: Invocation): Buffer {
  return body.length === 0 ? EMPTY_EVENT : body;
}

function headersOf(invocation: Invocation, deadlineMs: number): Record<string, string> {
  const headers: Record<string, string> = {
    'Lambda-Runtime-Aws-Request-Id': invocation.requestId,
    'Lambda-Runtime-Deadline-Ms': String(Math.round(deadlineMs)),
    'Lambda-Runtime-Invoked-Function-Arn': invocation.invokedArn,
  };
  if (invocation.traceId !== '') headers['Lambda-Runtime-Trace-Id'] = headerText(invocation.traceId);
  // JSON may hold what a header must not: escaped, it is the same JSON.
  if (invocation.clientContext !== '') headers['Lambda-Runtime-Client-Context'] = asciiJson(invocation.clientContext);
  return headers;
}

/** Whoever sent a message to a queue chose its trace header, and may have written there what no header can hold. */
function headerText(text: string): string {
  return text.replace(/[^\t\x20-\x7e\x80-\xff]/g, '');
}

function asciiJson(text: string): string {
  return text.replace(/[\r\n\t]/g, ' ').replace(/[^\x20-\x7e]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`);
}
