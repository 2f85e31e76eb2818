import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** An HTTP server for one process of this machine, on a port of the loopback that the system chooses. */
export class LoopbackServer {
  readonly #server: Server;

  /** `serve` may reject: then whoever asked has broken off. */
  constructor(serve: (req: IncomingMessage, res: ServerResponse) => Promise<void>) {
    this.#server = createServer({ keepAliveTimeout: 0, requestTimeout: 0 }, (req, res) => {
      serve(req, res).catch(() => res.destroy());
    });
  }

  /** Resolves with `127.0.0.1:PORT`; rejects when it can't listen. */
  listen(): Promise<string> {
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(0, '127.0.0.1', () => resolve(`127.0.0.1:${(this.#server.address() as AddressInfo).port}`));
    });
  }

  /** Resolves when it no longer listens; whoever is connected is cut off. */
  close(): Promise<void> {
    return new Promise((resolve) => {
      this.#server.close(() => resolve());
      this.#server.closeAllConnections();
    });
  }
}
