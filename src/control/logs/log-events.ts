import { createHash } from 'node:crypto';
import type { LogLine } from '../../observe/function-logs.ts';

/** What the API asks of the logs that functions write. */
export interface FunctionLogReader {
  /** The lines of one function since a time, oldest first, in portions. */
  scan(name: string, sinceMs: number): AsyncIterable<readonly LogLine[]>;
  extent(name: string): Promise<{ readonly bytes: number; readonly sinceMs: number } | null>;
  /** Forgets what a function has written so far. */
  remove(name: string): Promise<void>;
}

/** A line as an event of a log group. */
export interface LogEvent {
  /** 56 digits, as CloudWatch's: events of a group are in the order of their ids. */
  readonly id: string;
  readonly timeMs: number;
  readonly stream: string;
  /** With the line's end, as on Lambda. */
  readonly message: string;
}

/** Digits of an id: time, function, and which of the lines of that function and millisecond. */
const DIGITS = { time: 16, function: 20, index: 20 } as const;

/** What comes before every event. */
export const BEGINNING = '0'.repeat(DIGITS.time + DIGITS.function + DIGITS.index);
export const EVENT_ID = /^\d{56}$/;

/**
 * The events of a function since a time (milliseconds since the epoch), in the order of their ids. A clock that was set back makes no disorder: such
 * lines keep their time, and their ids follow the line before.
 */
export async function* eventsOf(logs: FunctionLogReader, name: string, sinceMs: number): AsyncGenerator<readonly LogEvent[]> {
  const middle = BigInt(`0x${createHash('sha256').update(name).digest('hex').slice(0, 16)}`)
    .toString()
    .padStart(DIGITS.function, '0');
  let [placeMs, index] = [0, 0];
  for await (const lines of logs.scan(name, Math.floor(sinceMs))) {
    yield lines.map((line) => {
      const timeMs = Math.floor(line.timeMs);
      if (timeMs > placeMs) [placeMs, index] = [timeMs, 0];
      const id = `${String(placeMs).padStart(DIGITS.time, '0')}${middle}${String(index++).padStart(DIGITS.index, '0')}`;
      return { id, timeMs, stream: line.stream, message: `${line.text}\n` };
    });
  }
}

/** When the event of an id was, or one before which it lies: where to begin to look for those after it. */
export function timeOfId(id: string): number {
  return Number(id.slice(0, DIGITS.time));
}

/** The id beside one: nothing lies between. */
export function neighbour(id: string, step: 1n | -1n): string {
  const number = BigInt(id) + step;
  return (number < 0n ? 0n : number).toString().padStart(BEGINNING.length, '0');
}
