import type { IncomingMessage } from 'node:http';
import type { Authority, Caller } from '../auth/authority.ts';
import type { SignedRequest } from '../auth/sigv4.ts';
import type { Dispatcher } from '../dispatch/dispatcher.ts';
import type { Clock } from '../lib/clock.ts';
import type { DeliveryIntake } from '../model/delivery.ts';
import { functionArn } from '../model/function-version.ts';
import { readBody } from './body.ts';
import type { CallRates } from './call-rates.ts';
import type { Chains } from './chain.ts';
import type { Directory, Found } from './directory.ts';

/** What a key must be allowed so as to invoke a function. */
export const INVOKE = 'lambda:InvokeFunction';

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
  readonly chains: Chains;
  readonly rates: CallRates;
}

/**
 * What is to be invoked. Throws ResourceNotFoundException before the body is read; but where signatures are required, only to who has one: others are not
 * told what there is, and it is a promise that throws.
 */
export function resolved(
  request: IncomingMessage,
  deps: Pick<InvokeDeps, 'directory' | 'authority' | 'payloadBytes'>,
  { name, qualifier }: { name: string; qualifier: string | null },
): Found | Promise<never> {
  try {
    return deps.directory.resolve(name, qualifier);
  } catch (error) {
    if (deps.authority?.required !== true) throw error;
    return toldToSigners(request, { authority: deps.authority, maxBytes: deps.payloadBytes }, error);
  }
}

async function toldToSigners(request: IncomingMessage, o: { authority: Authority; maxBytes: number }, error: unknown): Promise<never> {
  await o.authority.identify(asSigned(request), await bodyOf(request, o));
  throw error;
}

/** The body of a request that must be signed, once its head has told that it may be. Throws as `Authority.identify` and `readBody` do. */
export function bodyOf(
  request: IncomingMessage,
  { authority, maxBytes }: { authority: Authority | undefined; maxBytes: number },
): Promise<Buffer> {
  // What is too large by its own word is that to everybody: nothing of it is read.
  const announced = Number(request.headers['content-length'] ?? 0);
  if (authority?.required !== true || announced > maxBytes) return readBody(request, maxBytes);
  return authority.screen(asSigned(request)).then(() => readBody(request, maxBytes));
}

/** A body of more than that takes about as long to arrive as an instance to start. */
const LARGE_BYTES = 64 * 1024;

/**
 * The head of a call is here, and its large body is not: where nothing is there to serve it, an instance is started meanwhile. Only for who may make the call,
 * as far as the head tells. `action` null: whoever reaches it may.
 */
export function announce(request: IncomingMessage, of: { found: Found; deps: InvokeDeps; action?: string | null }): void {
  const { found, deps, action = INVOKE } = of;
  const bytes = Number(request.headers['content-length'] ?? 0);
  if (!(bytes > LARGE_BYTES && bytes <= deps.payloadBytes)) return;
  const expect = async (): Promise<void> => {
    const may = action === null || ((await deps.authority?.permits(asSigned(request), action, arnOf(found))) ?? true);
    deps.directory.requireReady(found.version);
    if (may) deps.dispatcher.expect(found.version);
  };
  expect().catch(() => {}); // whatever is wrong, the call itself will meet
}

function arnOf({ version, qualifier }: Found): string {
  const arn = functionArn(version);
  return qualifier === null ? arn : `${arn}:${qualifier}`;
}

function asSigned(request: IncomingMessage): SignedRequest {
  return { method: request.method ?? '', url: request.url ?? '', headers: request.headersDistinct };
}

/** Who sent a request. Throws unless the sender may invoke what was found. */
export async function authorise(
  request: IncomingMessage,
  of: { body: Buffer; found: Found; authority: Authority; action?: string },
): Promise<Caller> {
  const { body, found, authority, action = INVOKE } = of;
  const caller = await authority.identify(asSigned(request), body);
  caller.require(action, arnOf(found));
  return caller;
}

export function header(request: IncomingMessage, name: string): string {
  const value = request.headers[name];
  return typeof value === 'string' ? value : '';
}
