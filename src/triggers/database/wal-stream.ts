import type { EventEmitter } from 'node:events';
import { Client, type ClientConfig } from 'pg';
import type { Clock, Timer } from '../../lib/clock.ts';
import type { Lsn } from './lsn.ts';

/** What comes of a replication connection. */
export type Frame =
  | { readonly kind: 'data'; readonly lsn: Lsn; readonly endLsn: Lsn; readonly data: Buffer }
  | { readonly kind: 'keepalive'; readonly endLsn: Lsn };

export interface WalStreamOptions {
  readonly slot: string;
  readonly publications: readonly string[];
  readonly clock: Clock;
}

/** So much may wait to be taken before the socket is not read any more. */
const MOST_BYTES = 4 * 1024 * 1024;
/** No more seldom than this the server hears of us: it ends the stream of whoever is silent for wal_sender_timeout, be it that we have not read its question yet. */
const REPORT_MS = 10_000;
const EPOCH_MS = 946_684_800_000;

/** The first version of PostgreSQL whose pgoutput knows the option `messages`. */
const MESSAGES_SINCE = 140_000;
const DATA = 0x77;
const KEEPALIVE = 0x6b;

/**
 * Text forms that do not depend on how the server or the user is set up; see values.ts. And no names but PostgreSQL's own: whoever may make a function or an
 * operator in a schema that is searched could have a more powerful role, as Hearth's is, run it.
 */
const SESSION =
  '-c search_path=pg_catalog -c datestyle=ISO -c intervalstyle=iso_8601 -c timezone=UTC -c extra_float_digits=3 -c bytea_output=hex';

/** How to connect for reading values: replication or not. Replaces the timeouts that would end a long reading. */
export function readerConfig(config: ClientConfig, name: string): ClientConfig {
  return {
    ...config,
    application_name: name,
    connectionTimeoutMillis: 10_000,
    keepAlive: true,
    options: `${SESSION} -c statement_timeout=0`,
  };
}

/** The part of pg's client that speaks the copy protocol, which its types leave out. */
interface CopyConnection extends EventEmitter {
  sendCopyFromChunk(chunk: Buffer): void;
  readonly stream: { pause(): void; resume(): void };
}

/**
 * A replication connection that streams a slot. Nothing is acknowledged but by `acknowledge`: what was received and not acknowledged comes again.
 * While nobody takes what comes, the socket is not read, so memory is bounded and the server keeps the rest.
 */
export class WalStream {
  readonly #client: Client;
  readonly #connection: CopyConnection;
  readonly #clock: Clock;
  #reporting: Timer | null = null;
  #frames: Frame[] = [];
  #bytes = 0;
  #paused = false;
  #ended: Error | null = null;
  #wake: (() => void) | null = null;
  #confirmed: Lsn = 0n;
  /** Where the server's log ended when it last said so. */
  endLsn: Lsn = 0n;

  private constructor(client: Client, clock: Clock) {
    this.#client = client;
    this.#connection = (client as unknown as { connection: CopyConnection }).connection;
    this.#clock = clock;
  }

  /** Connects for replication, without streaming yet: for the commands of slots. */
  static async connect(config: ClientConfig, name: string): Promise<Client> {
    const client = new Client({ ...readerConfig(config, name), replication: 'database' } as ClientConfig);
    client.on('error', () => {}); // what waits for an answer is rejected, and a stream is told by its end
    await client.connect();
    return client;
  }

  /** Streams from where the slot is acknowledged. Rejects with the server's error, such as 55006 while another streams it. Takes the client over. */
  static async start(client: Client, { slot, publications, clock }: WalStreamOptions): Promise<WalStream> {
    const stream = new WalStream(client, clock);
    const { rows } = await client.query<{ version: string; patience: string }>(
      `select current_setting('server_version_num') as version, setting as patience from pg_settings where name = 'wal_sender_timeout'`,
    );
    const options = streamOptions(publications, Number(rows[0]?.version));
    await stream.#start(`START_REPLICATION SLOT "${slot}" LOGICAL 0/0 (${options})`);
    const patienceMs = Number(rows[0]?.patience); // 0: for ever
    stream.#keepReporting(patienceMs > 0 ? Math.min(REPORT_MS, patienceMs / 3) : REPORT_MS);
    return stream;
  }

  /** All that has come, at least one frame unless `poke` was called; waits for it. Rejects when the connection has ended. */
  async next(): Promise<Frame[]> {
    if (this.#frames.length === 0 && this.#ended === null) await new Promise<void>((resolve) => (this.#wake = resolve));
    if (this.#frames.length === 0 && this.#ended !== null) throw this.#ended;
    const frames = this.#frames;
    this.#frames = [];
    this.#bytes = 0;
    if (this.#paused) {
      this.#paused = false;
      this.#connection.stream.resume();
    }
    return frames;
  }

  /** Lets `next` return with nothing. */
  poke(): void {
    this.#wake?.();
    this.#wake = null;
  }

  /** Tells the server that all before a place is done with for ever. */
  acknowledge(lsn: Lsn): void {
    if (lsn > this.#confirmed) this.#confirmed = lsn;
    this.#report();
  }

  /** Where the acknowledged part ends. */
  get confirmedLsn(): Lsn {
    return this.#confirmed;
  }

  /** Ends the connection; `next` then rejects. */
  async close(): Promise<void> {
    this.#end(new Error('the stream was closed'));
    await this.#client.end().catch(() => {});
  }

  #start(command: string): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#connection.once('replicationStart', () => resolve());
      // A copy: pg's parser moves later bytes over these as soon as it goes on.
      this.#connection.on('copyData', ({ chunk }: { chunk: Buffer }) => this.#receive(Buffer.from(chunk)));
      this.#client.on('error', (error) => this.#end(error));
      this.#client.on('end', () => this.#end(new Error('the server ended the connection')));
      this.#client.query(command).then(
        () => this.#end(new Error('the server ended the stream')),
        (error: Error) => {
          this.#end(error);
          reject(error);
        },
      );
    });
  }

  #receive(chunk: Buffer): void {
    if (chunk[0] === DATA) {
      this.endLsn = chunk.readBigUInt64BE(9);
      this.#push({ kind: 'data', lsn: chunk.readBigUInt64BE(1), endLsn: this.endLsn, data: chunk.subarray(25) });
    } else if (chunk[0] === KEEPALIVE) {
      this.endLsn = chunk.readBigUInt64BE(1);
      if (chunk[17] === 1) this.#report(); // else the server takes us for dead
      this.#push({ kind: 'keepalive', endLsn: this.endLsn });
    }
    if (this.#bytes > MOST_BYTES && !this.#paused) {
      this.#paused = true;
      this.#connection.stream.pause();
    }
  }

  #push(frame: Frame): void {
    this.#frames.push(frame);
    this.#bytes += frame.kind === 'data' ? frame.data.length + 64 : 64;
    this.poke();
  }

  #end(error: Error): void {
    this.#ended ??= error;
    this.#reporting?.cancel();
    this.poke();
  }

  #keepReporting(everyMs: number): void {
    if (this.#ended !== null) return;
    this.#reporting = this.#clock.after(everyMs, () => {
      this.#report();
      this.#keepReporting(everyMs);
    });
  }

  /** Says how far we are. Before anything was acknowledged that is nowhere, which moves no slot. */
  #report(): void {
    if (this.#ended !== null) return;
    const message = Buffer.alloc(34);
    message.write('r', 0, 'latin1');
    for (const at of [1, 9, 17]) message.writeBigUInt64BE(this.#confirmed, at);
    message.writeBigInt64BE(BigInt(Math.trunc(this.#clock.now() - EPOCH_MS)) * 1000n, 25);
    this.#connection.sendCopyFromChunk(message);
  }
}

/** What pgoutput is asked for: the publications, and what was said by pg_logical_emit_message where the server can send that. */
export function streamOptions(publications: readonly string[], version: number): string {
  const names = publications.map((p) => `"${p}"`).join(',');
  return `proto_version '1', publication_names '${names}'${version >= MESSAGES_SINCE ? ", messages 'true'" : ''}`;
}

/** `16/B374D848` of a slot's consistent point, with the snapshot that shows the rows as of then. */
export interface NewSlot {
  readonly lsn: string;
  readonly snapshot: string | null;
}

/** Makes a slot. With `exportSnapshot` the client must stay as it is while the snapshot is read. */
export async function createSlot(client: Client, slot: string, exportSnapshot: boolean): Promise<NewSlot> {
  const kind = exportSnapshot ? 'export' : 'nothing';
  const { rows } = await client.query<{ consistent_point: string; snapshot_name: string | null }>(
    `CREATE_REPLICATION_SLOT "${slot}" LOGICAL pgoutput (SNAPSHOT '${kind}')`,
  );
  const row = rows[0];
  if (row === undefined) throw new Error('the server made no slot');
  return { lsn: row.consistent_point, snapshot: row.snapshot_name };
}

/** Whose log it is. */
export async function identify(client: Client): Promise<{ systemId: string; timeline: number; database: string }> {
  const { rows } = await client.query<{ systemid: string; timeline: number | string; dbname: string }>('IDENTIFY_SYSTEM');
  const row = rows[0];
  if (row === undefined) throw new Error('the server does not say who it is');
  return { systemId: row.systemid, timeline: Number(row.timeline), database: row.dbname };
}
