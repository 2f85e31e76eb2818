import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { deferred } from './deferred.ts';
import { peerUsers } from './peer-user.ts';

/** Of whom the kernel does not know. */
const NOBODY = -1;
/** More than an instance has use for that serves as many invocations at once as one may. */
const MOST_CONNECTIONS = 2_048;

/**
 * An HTTP server for one process of this machine, on a port of the loopback that the system chooses. The loopback is everybody's: nobody is served before
 * `serveOnly` has said whose process may ask, and all others are cut off, whether they ask or not.
 */
export class LoopbackServer {
  readonly #server: Server;
  readonly #owners = deferred<readonly number[] | null>();

  /** `serve` may reject: then whoever asked has broken off. Of `most` connections at once, a further one is closed. */
  constructor(serve: (req: IncomingMessage, res: ServerResponse) => Promise<void>, most = MOST_CONNECTIONS) {
    this.#server = createServer({ keepAliveTimeout: 0, requestTimeout: 0 }, (req, res) => {
      this.#owners.promise.then(() => (req.socket.destroyed ? undefined : serve(req, res))).catch(() => res.destroy());
    });
    this.#server.maxConnections = most;
  }

  /** Resolves with `127.0.0.1:PORT`; rejects when it can't listen. */
  async listen(): Promise<string> {
    const userOf = await peerUsers();
    this.#server.on('connection', (socket: Socket) => {
      const user = userOf(socket) ?? NOBODY; // now, while the kernel certainly knows
      void this.#owners.promise.then((owners) => owners?.includes(user) === false && socket.destroy());
    });
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(0, '127.0.0.1', () => resolve(`127.0.0.1:${(this.#server.address() as AddressInfo).port}`));
    });
  }

  /** The users that processes must have to be served; null: all of the machine are, where those that should be told apart have no users of their own. Once. */
  serveOnly(uids: readonly number[] | null): void {
    this.#owners.resolve(uids);
  }

  /** Resolves when it no longer listens; whoever is connected is cut off. */
  close(): Promise<void> {
    return new Promise((resolve) => {
      this.#server.close(() => resolve());
      this.#server.closeAllConnections();
    });
  }
}
