import type { Dispatched } from '../dispatch/dispatcher.ts';

/** What Hearth tells beside Lambda's headers: the time in the handler and, after a cold start, its rung and length. */
export function coldHeaders(headers: Record<string, string | number | readonly string[]>, done: Dispatched): void {
  headers['x-hearth-duration-ms'] = done.usage.durationMs.toFixed(3);
  if (done.usage.coldRung === null) return;
  headers['x-hearth-cold-rung'] = done.usage.coldRung;
  headers['x-hearth-cold-ms'] = done.usage.coldMs.toFixed(3);
}
