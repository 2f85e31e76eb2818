import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Releases } from '../releases.ts';

/** What the function `arrivals` told of one invocation. */
interface Arrival {
  readonly startedMs: number;
  /** The same by the clock that all processes of a machine share, and finer than a millisecond. */
  readonly monotonicMs: number;
  /** What the sender called each of what it was invoked for; null where it was not called anything. */
  readonly marks: readonly (string | null)[];
  /** When each had happened, where the event says so. */
  readonly happenedMs: readonly (number | null)[];
}

/** Now, by the clock that `Arrival.monotonicMs` is of. */
export function monotonicMs(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}

/** Listens to what `bench/functions/arrivals` tells. */
export class Collector {
  arrivals: Arrival[] = [];
  readonly url: string;
  #wake: () => void = () => {};

  private constructor(url: string) {
    this.url = url;
  }

  static async open(releases: Releases): Promise<Collector> {
    const server = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        collector.arrivals.push(JSON.parse(Buffer.concat(chunks).toString()) as Arrival);
        response.end();
        collector.#wake();
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    releases.add(() => {
      server.closeAllConnections();
      return new Promise<void>((resolve) => server.close(() => resolve()));
    });
    const collector = new Collector(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
    return collector;
  }

  /** How many things have arrived. */
  get count(): number {
    return this.arrivals.reduce((sum, a) => sum + a.marks.length, 0);
  }

  /** Resolves when so many have; rejects when nothing came for a minute. */
  async have(count: number): Promise<void> {
    while (this.count < count) {
      const came = new Promise<boolean>((resolve) => (this.#wake = () => resolve(true)));
      let timer: NodeJS.Timeout | undefined;
      const nothing = new Promise<boolean>((resolve) => (timer = setTimeout(() => resolve(false), 60_000)));
      const more = await Promise.race([came, nothing]);
      clearTimeout(timer);
      if (!more) throw new Error(`${this.count} of ${count} arrived, and then nothing for a minute`);
    }
  }

  /** From when things happened, as their events say, to when the function began, in milliseconds. */
  delays(): number[] {
    return this.arrivals.flatMap((a) => a.happenedMs.flatMap((ms) => (ms === null ? [] : [a.startedMs - ms])));
  }

  /** From when each was sent, by its mark, to when the function began for it the first time, in milliseconds. */
  delaysSince(sentMs: ReadonlyMap<string, number>): number[] {
    const began = new Map<string, number>();
    for (const { marks, monotonicMs: ms } of this.arrivals)
      for (const mark of marks) if (mark !== null && !began.has(mark)) began.set(mark, ms);
    return [...sentMs].flatMap(([mark, sent]) => {
      const ms = began.get(mark);
      return ms === undefined ? [] : [ms - sent];
    });
  }
}
