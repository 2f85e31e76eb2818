import { hopsOf, lineageOf } from '../../model/lineage.ts';
import type { ReceivedMessage } from '../../model/queue.ts';

/** Of what Lambda takes as one event, less what surrounds the records. */
export const BATCH_BYTES = 6 * 1024 * 1024 - 1_024;

/** What messages take as JSON, at the most. */
export function bytesOf(batch: readonly ReceivedMessage[]): number {
  return batch.reduce((sum, m) => sum + messageBytes(m), 0);
}

function messageBytes(m: ReceivedMessage): number {
  return Buffer.byteLength(JSON.stringify(m.body)) + Buffer.byteLength(JSON.stringify(m.attributes)) + 1_500;
}

/**
 * Batches that are small enough for one event each, and of messages that have as many hops behind them: else what an application sent would be counted, and in the end
 * stopped, with what goes round in a loop. `ordered`: the messages stay in their order.
 */
export function divided(batch: readonly ReceivedMessage[], { ordered }: { readonly ordered: boolean }): ReceivedMessage[][] {
  const parts: ReceivedMessage[][] = [[]];
  let [bytes, hops] = [0, 0];
  for (const message of ordered ? batch : byHops(batch)) {
    const size = messageBytes(message);
    if (bytes > 0 && (bytes + size > BATCH_BYTES || hopsBehind(message) !== hops)) {
      parts.push([]);
      bytes = 0;
    }
    parts.at(-1)?.push(message);
    bytes += size;
    hops = hopsBehind(message);
  }
  return parts;
}

/** Together with those of as many hops, what has waited longest first: of a queue that is never empty only the first part may be run, each time. */
function byHops(batch: readonly ReceivedMessage[]): ReceivedMessage[] {
  const firsts = [...new Set(batch.map(hopsBehind))];
  return batch.toSorted((a, b) => firsts.indexOf(hopsBehind(a)) - firsts.indexOf(hopsBehind(b)));
}

function hopsBehind(message: ReceivedMessage): number {
  return hopsOf(lineageOf(message.traceHeader ?? ''));
}
