import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A server of the machine's, on its 127.0.0.1, that answers as many as it is told to at once: until then, each keeps an instance busy. */
export class Meeting {
  readonly #server: Server;
  #waiting: ServerResponse[] = [];
  size = 1;

  constructor() {
    this.#server = createServer((_request, response) => {
      this.#waiting.push(response);
      if (this.#waiting.length < this.size) return;
      for (const one of this.#waiting) one.end('the machine');
      this.#waiting = [];
    });
  }

  async open(): Promise<void> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/`;
  }

  close(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }
}
