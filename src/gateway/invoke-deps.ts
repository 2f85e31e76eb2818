import type { IncomingMessage } from 'node:http';
import type { Authority } from '../auth/authority.ts';
import type { Dispatcher } from '../dispatch/dispatcher.ts';
import type { Clock } from '../lib/clock.ts';
import type { DeliveryIntake } from '../model/delivery.ts';
import { functionArn } from '../model/function-version.ts';
import type { Directory, Found } from './directory.ts';

/** What invocations are served with. */
export interface InvokeDeps {
  readonly dispatcher: Dispatcher;
  readonly directory: Directory;
  readonly clock: Clock;
  readonly payloadBytes: number;
  /** Most bytes of an answer that is streamed. */
  readonly streamBytes: number;
  /** Where asynchronous invocations go. */
  readonly intake: DeliveryIntake;
  /** Largest payload of an asynchronous invocation. */
  readonly eventBytes: number;
  /** Absent: whoever reaches the server may do everything. */
  readonly authority?: Authority;
}

/** Throws unless the sender may invoke what was found. */
export async function authorise(
  request: IncomingMessage,
  of: { body: Buffer; found: Found; authority: Authority; action?: string },
): Promise<void> {
  const { body, found, authority, action = 'lambda:InvokeFunction' } = of;
  const caller = await authority.identify({ method: request.method ?? '', url: request.url ?? '', headers: request.headersDistinct }, body);
  const arn = functionArn(found.version);
  caller.require(action, found.qualifier === null ? arn : `${arn}:${found.qualifier}`);
}

export function header(request: IncomingMessage, name: string): string {
  const value = request.headers[name];
  return typeof value === 'string' ? value : '';
}
