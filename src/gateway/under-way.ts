import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { deferred } from '../lib/deferred.ts';

/** The requests that are being served, so that a server which ends can wait until they are answered. */
export class UnderWay {
  /** By connection: of what was sent on one that breaks, not every answer says that it has ended. */
  readonly #open = new Map<Socket, Set<ServerResponse>>();
  readonly #answered = deferred<void>();
  #ending = false;

  /** Whether nothing new is to be begun. */
  get ending(): boolean {
    return this.#ending;
  }

  /** Counts a request in until its answer has been handed to the system, or its connection is gone. */
  add({ socket }: IncomingMessage, response: ServerResponse): void {
    const open = this.#of(socket);
    open.add(response);
    response.once('close', () => {
      open.delete(response);
      this.#look();
    });
  }

  /** Nothing new is begun from now on, and connections end with the answer that is under way on them. Resolves when all are answered. */
  end(): Promise<void> {
    this.#ending = true;
    for (const responses of this.#open.values()) for (const response of responses) response.shouldKeepAlive = false;
    this.#look();
    return this.#answered.promise;
  }

  #of(socket: Socket): Set<ServerResponse> {
    let open = this.#open.get(socket);
    if (open !== undefined) return open;
    this.#open.set(socket, (open = new Set()));
    socket.once('close', () => {
      this.#open.delete(socket);
      this.#look();
    });
    return open;
  }

  #look(): void {
    if (!this.#ending) return;
    for (const responses of this.#open.values()) if (responses.size > 0) return;
    this.#answered.resolve();
  }
}
