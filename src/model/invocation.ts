import type { AnswerSink } from './answer-sink.ts';

/** One run of a handler, as the gateway hands it on. The payload is bytes; nothing on the way parses it. */
export interface Invocation {
  readonly requestId: string;
  readonly attempt: number;
  readonly body: Buffer;
  /** ARN the caller used, with its qualifier. */
  readonly invokedArn: string;
  /** X-Ray trace header, or ''. */
  readonly traceId: string;
  /** The `ClientContext` JSON (decoded), or ''. */
  readonly clientContext: string;
  /** Travels through chains of events; see the loop breaker. */
  readonly lineage: string;
  /** When it came in, on the monotonic clock. */
  readonly receivedAtMs: number;
  /** Where the answer goes while it is being made, from a handler that streams; absent: it is answered whole. */
  readonly sink?: AnswerSink;
}

/** What a function error is, in Lambda's terms. */
interface FunctionError {
  /** `Unhandled` for all that a handler throws or a runtime reports. */
  readonly kind: 'Unhandled' | 'Handled';
  /** `Runtime.ExitError`, `Sandbox.Timedout`, or the thrown error's own name. */
  readonly errorType: string;
}

/** An invocation's end as the caller sees it: bytes, and whether they describe an error of the function. */
export interface InvocationResult {
  readonly body: Buffer;
  readonly error: FunctionError | null;
  readonly executedVersion: string;
  readonly requestId: string;
  /** Last 4 kB of the log when it was asked for, else null. */
  readonly logTail: Buffer | null;
}
