import type { Attempted } from './attempt.ts';
import { notTried } from './attempt.ts';

/** An address that takes longer than this to answer did not take it. */
const ANSWER_MS = 30_000;

/** Posts an outcome to an address. Anything but 2xx is tried again; 410 (it is gone for good) is not. */
export async function postOutcome(url: string, outcome: { requestId: string; eventId: string; body: Buffer }): Promise<Attempted> {
  try {
    const answer = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-hearth-event-id': outcome.eventId, 'x-amzn-requestid': outcome.requestId },
      body: new Uint8Array(outcome.body),
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
