import type { CloudEventMode } from '../../model/destination.ts';
import type { Attempted } from './attempt.ts';
import { binaryMessage } from './policies/outcome-event.ts';
import { notTried } from './attempt.ts';

/** An address that takes longer than this to answer did not take it. */
const ANSWER_MS = 30_000;

/** An outcome on its way to an address. */
export interface PostedOutcome {
  readonly requestId: string;
  readonly eventId: string;
  /** JSON: Lambda's record, or a CloudEvent in its JSON form. */
  readonly body: Buffer;
  readonly cloudEvents: CloudEventMode | undefined;
  /** X-Ray trace header with the chain of events, or ''. */
  readonly traceHeader: string;
  readonly sign: OwnSignature;
}

/** The headers that sign a request where it is to this server itself; none for what goes elsewhere. */
export type OwnSignature = (request: { readonly method: string; readonly url: URL; readonly body: Buffer }) => Record<string, string>;

/** Posts an outcome to an address. Anything but 2xx is tried again; 410 (it is gone for good) is not. */
export async function postOutcome(url: string, outcome: PostedOutcome): Promise<Attempted> {
  try {
    const { headers, body } = messageOf(outcome);
    const trace: Record<string, string> = outcome.traceHeader === '' ? {} : { 'x-amzn-trace-id': outcome.traceHeader };
    const answer = await fetch(url, {
      method: 'POST',
      headers: {
        ...headers,
        ...outcome.sign({ method: 'POST', url: new URL(url), body }),
        ...trace,
        'x-hearth-event-id': outcome.eventId,
        'x-amzn-requestid': outcome.requestId,
      },
      body: new Uint8Array(body),
      redirect: 'manual',
      signal: AbortSignal.timeout(ANSWER_MS),
    });
    await answer.body?.cancel();
    if (answer.ok) return { outcome: 'ok', errorType: '', message: '', response: null };
    const message = `${url} answered ${answer.status}`;
    if (answer.status === 410) return notTried('DestinationRefused', message);
    return { outcome: 'system_error', errorType: `HTTP ${answer.status}`, message, response: null };
  } catch (error) {
    const cause = (error as { cause?: { code?: string } }).cause?.code;
    return { outcome: 'system_error', errorType: cause ?? 'Unreachable', message: `${url}: ${(error as Error).message}`, response: null };
  }
}

function messageOf({ body, cloudEvents }: PostedOutcome): { headers: Record<string, string>; body: Buffer } {
  if (cloudEvents === 'binary') return binaryMessage(body);
  return {
    headers: { 'content-type': cloudEvents === undefined ? 'application/json' : 'application/cloudevents+json; charset=utf-8' },
    body,
  };
}
