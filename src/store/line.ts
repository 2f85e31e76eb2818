import { Socket } from 'node:net';
import type { Clock, Timer } from '../lib/clock.ts';
import type { DatabaseConnection } from './connection.ts';
import { openSession } from './connection.ts';
import type { Log } from './log.ts';

/** How often a database that is being left is asked whether it answers, and how long it may take to, a new connection included. */
const ASK_MS = { every: 3_000, within: 2_000 };

/** The connections to one database, which can be left where it no longer answers: what waits for an answer fails then as it does without a database. */
export class Line {
  /** To be opened with: counts among them. */
  readonly connection: DatabaseConnection & { readonly stream: () => Socket };
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #sockets = new Set<Socket>();
  #asking: Timer | null = null;
  #wasCut = false;
  #wasLeft = false;

  constructor(connection: DatabaseConnection, { clock, log }: { readonly clock: Clock; readonly log: Log }) {
    this.connection = { ...connection, stream: () => this.#open() };
    this.#clock = clock;
    this.#log = log;
  }

  /** From now on, and until `left`, all connections are cut as soon as the database does not answer on a new one, and `onSilent` is called. */
  leave(onSilent: () => void = () => {}): void {
    if (this.#wasLeft) return;
    this.#asking ??= this.#clock.after(ASK_MS.every, () => {
      void this.#answersInTime().then((answers) => {
        if (this.#wasLeft) return;
        this.#asking = null;
        if (answers) return this.leave(onSilent);
        this.#log.error({ connections: this.#sockets.size }, 'the database does not answer: what waits for it is given up');
        onSilent();
        this.#cut();
      });
    });
  }

  /** Nobody waits for the database any more. */
  left(): void {
    this.#wasLeft = true;
    this.#asking?.cancel();
  }

  async #answersInTime(): Promise<boolean> {
    let timer: Timer | null = null;
    const late = new Promise<false>((resolve) => (timer = this.#clock.after(ASK_MS.within, () => resolve(false))));
    return Promise.race([this.#answers(), late]).finally(() => timer?.cancel());
  }

  async #answers(): Promise<boolean> {
    try {
      const session = await openSession(this.connection, 'hearth leaves', () => {});
      try {
        await session.query('select 1');
        return true;
      } finally {
        void session.end().catch(() => {});
      }
    } catch {
      return false;
    }
  }

  #cut(): void {
    this.#wasCut = true;
    for (const socket of this.#sockets) socket.destroy();
  }

  #open(): Socket {
    const socket = new Socket();
    this.#sockets.add(socket);
    socket.once('close', () => this.#sockets.delete(socket));
    if (this.#wasCut) setImmediate(() => socket.destroy());
    return socket;
  }
}
