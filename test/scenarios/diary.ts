import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

/** What the function `events-diary` told of one run. */
export interface Entry {
  readonly n: number;
  readonly requestId: string;
  readonly trace?: string;
  readonly event: Readonly<Record<string, unknown>>;
}

/** Listens to what functions tell. */
export class Diary implements AsyncDisposable {
  readonly entries: Entry[] = [];
  /** What the function that tells something waits for. */
  hold: Promise<void> = Promise.resolve();
  readonly #server: Server;

  private constructor(server: Server) {
    this.#server = server;
  }

  static async open(): Promise<Diary> {
    const server = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        diary.entries.push(JSON.parse(Buffer.concat(chunks).toString()) as Entry);
        void diary.hold.then(() => response.end());
      });
    });
    const diary = new Diary(server);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return diary;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}
