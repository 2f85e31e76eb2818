import { Client, Pool, type ClientConfig } from 'pg';
import { readerConfig } from './wal-stream.ts';

/** How long the server is given to take the word that something is to end, milliseconds. */
const WORD_MS = 2_000;

/** The connections of one session of following, which can all be ended while they wait: for a lock, for somebody's transaction, for a network that is gone. */
export class Sessions {
  readonly #config: ClientConfig;
  readonly #clients = new Set<Client>();
  #wasCut = false;

  constructor(config: ClientConfig) {
    this.#config = config;
  }

  /** Counts a connection among them until it has ended. One that is made after they were cut ends at once, and with it what would go on by it. */
  add(client: Client): void {
    if (this.#wasCut) return destroy(client);
    this.#clients.add(client);
    client.once('end', () => this.#clients.delete(client));
  }

  /**
   * Ends what they wait for, and them. Whoever waits in the server for a client that has gone would go on waiting, and make its slot in the end: it is told to
   * stop first. Never rejects.
   */
  async cut(): Promise<void> {
    this.#wasCut = true;
    const clients = [...this.#clients];
    const pids = clients.flatMap((client) => (client as unknown as { processID: number | null }).processID ?? []);
    const word = new Client({
      ...this.#config,
      application_name: 'hearth triggers',
      connectionTimeoutMillis: WORD_MS,
      query_timeout: WORD_MS,
    });
    word.on('error', () => {});
    try {
      await word.connect();
      await word.query('select pg_cancel_backend(pid) from unnest($1::int[]) as p(pid)', [pids]);
    } catch {
      // The server is not there: nothing of it waits.
    } finally {
      void word.end().catch(() => {});
    }
    for (const client of clients) destroy(client);
  }
}

function destroy(client: Client): void {
  (client as unknown as { connection: { stream: { destroy(): void } } }).connection.stream.destroy();
}

/** Connections for questions and for making things, few and soon closed. */
export function adminPool(config: ClientConfig): Pool {
  const pool = new Pool({ ...readerConfig(config, 'hearth triggers'), max: 1, idleTimeoutMillis: 2_000, allowExitOnIdle: true });
  pool.on('error', () => {}); // an idle connection was lost; the next query makes another
  pool.on('connect', (client) => client.on('error', () => {}));
  return pool;
}
