import type { Answer } from './connection.ts';
import { readAll } from './body.ts';

/** What to call, and with what. */
export interface InvokeRequest {
  readonly functionName: string;
  /** A version or alias; `$LATEST` unless given. */
  readonly qualifier?: string | undefined;
  readonly payload: Buffer;
  /** Ask for the last 4 kB of the log. */
  readonly logTail?: boolean;
  readonly invocationType?: 'RequestResponse' | 'Event' | 'DryRun';
  readonly signal?: AbortSignal | undefined;
}

/** How an invocation ended that reached the function. */
export interface InvokeAnswer {
  readonly statusCode: number;
  /** `Unhandled` or `Handled` when the payload describes an error of the function. */
  readonly functionError: string | null;
  readonly executedVersion: string | null;
  readonly requestId: string | null;
  readonly payload: Buffer;
  /** Decoded; null when it was not asked for. */
  readonly logTail: string | null;
  /** The rung the start began on; null when the instance was warm (or the server does not say). */
  readonly coldRung: string | null;
  /** How long the server had the invocation wait for an instance; null when it was warm. */
  readonly coldMs: number | null;
  /** Time in the handler; null when the server does not say. */
  readonly handlerMs: number | null;
}

/** Reads Lambda's answer to an invocation, and Hearth's own `X-Hearth-*` headers beside it. */
export async function readInvokeAnswer(answer: Answer): Promise<InvokeAnswer> {
  const header = (name: string): string | null => {
    const value = answer.headers[name];
    return typeof value === 'string' ? value : null;
  };
  const logResult = header('x-amz-log-result');
  return {
    statusCode: answer.status,
    functionError: header('x-amz-function-error'),
    executedVersion: header('x-amz-executed-version'),
    requestId: header('x-amzn-requestid'),
    payload: await readAll(answer.body),
    logTail: logResult === null ? null : Buffer.from(logResult, 'base64').toString('utf8'),
    coldRung: header('x-hearth-cold-rung'),
    coldMs: number(header('x-hearth-cold-ms')),
    handlerMs: number(header('x-hearth-duration-ms')),
  };
}

function number(text: string | null): number | null {
  return text === null ? null : Number(text);
}
