import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { deferred } from '../lib/deferred.ts';

/** The requests that are being served, so that a server which ends can wait until they are answered. */
export class UnderWay {
  /** By connection: of what was sent on one that breaks, not every answer says that it has ended. In lists, which are cheaper to be emptied than sets. */
  readonly #open = new Map<Socket, ServerResponse[]>();
  /** Those that nobody waits for. */
  readonly #unwaited = new WeakSet<ServerResponse>();
  readonly #answered = deferred<void>();
  #ending = false;

  /** Whether nothing new is to be begun. */
  get ending(): boolean {
    return this.#ending;
  }

  /** Counts a request in until its answer has been handed to the system, or its connection is gone. `waitedFor`: whether the end of the server is to wait for it. */
  add({ socket }: IncomingMessage, response: ServerResponse, waitedFor: boolean): void {
    const open = this.#of(socket);
    if (!waitedFor) this.#unwaited.add(response);
    open.push(response);
    response.on('close', () => {
      const at = open.indexOf(response);
      if (at >= 0) open.splice(at, 1);
      if (this.#ending) this.#look();
    });
  }

  /** What is not answered yet of what came on a connection, in the order in which it came. */
  on(socket: Socket): readonly ServerResponse[] {
    return [...(this.#open.get(socket) ?? [])];
  }

  /** Nothing new is begun from now on, and connections end with the answer that is under way on them. Resolves when all are answered. */
  end(): Promise<void> {
    this.#ending = true;
    for (const responses of this.#open.values())
      for (const response of responses) if (!this.#unwaited.has(response)) response.shouldKeepAlive = false;
    this.#look();
    return this.#answered.promise;
  }

  #of(socket: Socket): ServerResponse[] {
    let open = this.#open.get(socket);
    if (open !== undefined) return open;
    this.#open.set(socket, (open = []));
    socket.once('close', () => {
      this.#open.delete(socket);
      this.#look();
    });
    return open;
  }

  #look(): void {
    if (!this.#ending) return;
    for (const responses of this.#open.values()) for (const response of responses) if (!this.#unwaited.has(response)) return;
    this.#answered.resolve();
  }
}
