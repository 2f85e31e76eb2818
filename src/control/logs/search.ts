import { eventsOf, neighbour, timeOfId, type FunctionLogReader, type LogEvent } from './log-events.ts';
import type { LogGroup } from './log-groups.ts';

/** Which events of a group are wanted. */
export interface Wanted {
  /** Milliseconds since the epoch, both inclusive. */
  readonly startMs: number;
  readonly endMs: number;
  readonly fits: (event: LogEvent) => boolean;
  /** Most events; a page has fewer where they come to more than 1 MB. */
  readonly limit: number;
  /** Ends the search: the caller has gone. */
  readonly signal: AbortSignal;
}

/** CloudWatch's bound of a page. */
const PAGE_BYTES = 1024 * 1024;

/** The first events after an id, and whether there are more. */
export async function eventsAfter(
  logs: FunctionLogReader,
  group: LogGroup,
  id: string,
  wanted: Wanted,
): Promise<{ events: LogEvent[]; more: boolean }> {
  const found: LogEvent[] = [];
  for (const { name } of group.functions) found.push(...(await firstOf(logs, name, id, wanted)));
  found.sort(byId);
  const events = found.slice(0, withinBytes(found, wanted.limit));
  return { events, more: events.length < found.length };
}

/** Of one function: one more than a page may have, so that it is seen whether there are more. */
async function firstOf(logs: FunctionLogReader, name: string, id: string, wanted: Wanted): Promise<LogEvent[]> {
  const found: LogEvent[] = [];
  let bytes = 0;
  for await (const events of eventsOf(logs, name, Math.max(wanted.startMs, timeOfId(id)))) {
    for (const event of events) {
      if (event.id <= id || event.timeMs < wanted.startMs || event.timeMs > wanted.endMs || !wanted.fits(event)) continue;
      found.push(event);
      bytes += Buffer.byteLength(event.message);
      if (found.length > wanted.limit || bytes > PAGE_BYTES) return found;
    }
    if (wanted.signal.aborted || (events.at(-1)?.timeMs ?? 0) > wanted.endMs) break;
  }
  return found;
}

/** The last events before an id, in order. */
export async function eventsBefore(logs: FunctionLogReader, group: LogGroup, id: string, wanted: Wanted): Promise<LogEvent[]> {
  const found: LogEvent[] = [];
  for (const { name } of group.functions) found.push(...(await lastOf(logs, name, id, wanted)));
  found.sort(byId).reverse();
  return found.slice(0, withinBytes(found, wanted.limit)).reverse();
}

async function lastOf(logs: FunctionLogReader, name: string, id: string, wanted: Wanted): Promise<LogEvent[]> {
  const kept: LogEvent[] = [];
  let bytes = 0;
  for await (const events of eventsOf(logs, name, wanted.startMs)) {
    for (const event of events) {
      if (event.id >= id || event.timeMs < wanted.startMs || event.timeMs > wanted.endMs || !wanted.fits(event)) continue;
      kept.push(event);
      bytes += Buffer.byteLength(event.message);
      while (kept.length > wanted.limit || bytes > 2 * PAGE_BYTES) bytes -= Buffer.byteLength(kept.shift()?.message ?? '');
    }
    if (wanted.signal.aborted || (events[0]?.timeMs ?? 0) > wanted.endMs) break;
  }
  return kept;
}

/** How many of the first may be in a page: at least one. */
function withinBytes(events: readonly LogEvent[], limit: number): number {
  let [count, bytes] = [0, 0];
  for (const event of events) {
    bytes += Buffer.byteLength(event.message);
    if (count >= limit || (bytes > PAGE_BYTES && count > 0)) break;
    count++;
  }
  return count;
}

/** After every event that there is. */
export const END = neighbour('9'.repeat(56), -1n);

/** What is known of a stream. */
export interface StreamExtent {
  readonly name: string;
  readonly firstMs: number;
  readonly lastMs: number;
}

/** Every stream of a group that is kept something of. */
export async function streamsOf(logs: FunctionLogReader, group: LogGroup, signal: AbortSignal): Promise<StreamExtent[]> {
  const streams = new Map<string, StreamExtent>();
  for (const { name } of group.functions)
    for await (const events of eventsOf(logs, name, 0)) {
      if (signal.aborted) return [];
      for (const { stream, timeMs } of events) {
        const known = streams.get(stream);
        if (known === undefined) streams.set(stream, { name: stream, firstMs: timeMs, lastMs: timeMs });
        else if (timeMs !== known.lastMs) streams.set(stream, { ...known, lastMs: Math.max(timeMs, known.lastMs) });
      }
    }
  return [...streams.values()];
}

function byId(a: LogEvent, b: LogEvent): number {
  return a.id < b.id ? -1 : 1;
}
