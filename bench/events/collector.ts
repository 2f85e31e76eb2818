import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Releases } from '../releases.ts';

/** What the function `arrivals` told of one invocation. */
interface Arrival {
  readonly startedMs: number;
  /** When each of what it was invoked for had happened. */
  readonly happenedMs: readonly number[];
}

/** Listens to what `bench/functions/arrivals` tells. */
export class Collector {
  arrivals: Arrival[] = [];
  readonly url: string;

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
    return this.arrivals.reduce((sum, a) => sum + a.happenedMs.length, 0);
  }

  /** Resolves when so many have; rejects when nothing came for a minute. */
  async have(count: number): Promise<void> {
    let [last, lastMs] = [this.count, Date.now()];
    while (this.count < count) {
      await new Promise((resolve) => setTimeout(resolve, 20));
      if (this.count > last) [last, lastMs] = [this.count, Date.now()];
      else if (Date.now() - lastMs > 60_000) throw new Error(`${last} of ${count} arrived, and then nothing for a minute`);
    }
  }

  /** From when things happened to when the function began, in milliseconds. */
  delays(): number[] {
    return this.arrivals.flatMap((a) => a.happenedMs.map((ms) => a.startedMs - ms));
  }
}
