import { PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import type { Client } from 'pg';
import { HearthClient } from '../../src/client/client.ts';
import type { SeenRecord } from '../fixtures/changes.ts';
import type { Diary } from './diary.ts';
import { credentialsOf, ownKey } from './server-credentials.ts';

/** Rows that are written to, and groups of messages. */
const KEYS = 7;
const BUCKET = 'traffic';
export const QUEUE = 'traffic.fifo';
export const TABLE = 'traffic';
const PAUSE_MS = 20;
/** What a transaction writes that is rolled back. */
const ROLLED_BACK = -1;

/** The triggers of the function that is told all of it. */
export const TRIGGERS = [
  { objects: { bucket: BUCKET } },
  { queue: { queue: QUEUE, batchSize: 10 } },
  { database: { table: TABLE, batchSize: 10, parallel: 3 } },
  { schedule: { everySeconds: 1, input: { tick: '<aws.scheduler.scheduled-time>' } } },
];

/** How many of each are to be acknowledged. */
export interface Quota {
  readonly async: number;
  readonly uploads: number;
  readonly messages: number;
  readonly rows: number;
}

export interface TrafficOptions {
  readonly home: string;
  readonly functionName: string;
  /** Where the server answers; null while it is known not to. */
  readonly endpoint: () => string | null;
  /** A client of the user's database. */
  readonly app: () => Promise<Client>;
}

/** One server's clients: its port changes whenever it starts. */
class Clients {
  readonly endpoint: string;
  readonly hearth: HearthClient;
  readonly s3: S3Client;
  readonly sqs: SQSClient;

  constructor(endpoint: string, home: string) {
    const settings = { endpoint, region: 'us-east-1', credentials: credentialsOf(home), maxAttempts: 1 };
    this.endpoint = endpoint;
    this.hearth = new HearthClient(endpoint, ownKey(home));
    this.s3 = new S3Client(settings);
    this.sqs = new SQSClient({ ...settings, useQueueUrlAsEndpoint: false });
  }

  close(): void {
    this.hearth.close();
    this.s3.destroy();
    this.sqs.destroy();
  }
}

/**
 * Asynchronous calls, uploads, messages and rows, all numbered, sent at once whatever happens to the server until enough of each are acknowledged.
 * Messages of a group and writes to a row are sent one after the other, and never again: so their numbers must come in order.
 */
export class MixedTraffic {
  /** Numbers that were acknowledged. */
  readonly acknowledged: { readonly [K in keyof Quota]: Set<number> } = {
    async: new Set(),
    uploads: new Set(),
    messages: new Set(),
    rows: new Set(),
  };
  /** What was answered to those that were not, other than that nobody answered. */
  readonly refusals: { readonly status: number; readonly error: unknown }[] = [];
  readonly #options: TrafficOptions;
  readonly #quota: Quota;
  #clients: Clients | null = null;
  #row: Client | null = null;

  constructor(options: TrafficOptions, quota: Quota) {
    this.#options = options;
    this.#quota = quota;
  }

  get count(): number {
    return Object.values(this.acknowledged).reduce((sum, set) => sum + set.size, 0);
  }

  /** Resolves when all is acknowledged. */
  async run(): Promise<void> {
    const counter = { async: 0, uploads: 0 };
    const senders = (of: 'async' | 'uploads', count: number, send: (n: number) => Promise<unknown>): Promise<void>[] =>
      Array.from({ length: count }, () => this.#until(of, () => counter[of]++, send));
    let message = 0;
    let row = 0;
    await Promise.all([
      ...senders('async', 6, (n) => this.#call(n)),
      ...senders('uploads', 3, (n) => this.#upload(n)),
      this.#until(
        'messages',
        () => message++,
        (n) => this.#message(n),
      ),
      this.#until(
        'rows',
        () => row++,
        (n) => this.#write(n),
      ),
    ]);
    this.#clients?.close();
    await this.#row?.end();
  }

  async #until(of: keyof Quota, next: () => number, send: (n: number) => Promise<unknown>): Promise<void> {
    const acknowledged = this.acknowledged[of];
    while (acknowledged.size < this.#quota[of]) {
      const n = next();
      try {
        await send(n);
        acknowledged.add(n);
      } catch (error) {
        this.#note(error);
        await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
      }
    }
  }

  #note(error: unknown): void {
    const { status, $metadata } = error as { status?: number; $metadata?: { httpStatusCode?: number } };
    const code = status ?? $metadata?.httpStatusCode;
    if (code !== undefined) this.refusals.push({ status: code, error });
  }

  /** Throws while there is no server. */
  get #now(): Clients {
    const endpoint = this.#options.endpoint();
    if (endpoint === null) throw new Error('there is no server');
    if (this.#clients?.endpoint !== endpoint) {
      this.#clients?.close();
      this.#clients = new Clients(endpoint, this.#options.home);
    }
    return this.#clients;
  }

  async #call(n: number): Promise<void> {
    const { functionName } = this.#options;
    const payload = Buffer.from(JSON.stringify({ call: n }));
    await this.#now.hearth.invoke({ functionName, payload, invocationType: 'Event' });
  }

  #upload(n: number): Promise<unknown> {
    return this.#now.s3.send(new PutObjectCommand({ Bucket: BUCKET, Key: `in/${n}`, Body: `upload ${n}` }));
  }

  #message(n: number): Promise<unknown> {
    const QueueUrl = `http://localhost/000000000000/${QUEUE}`;
    const group = String(n % KEYS);
    return this.#now.sqs.send(
      new SendMessageCommand({ QueueUrl, MessageBody: String(n), MessageGroupId: group, MessageDeduplicationId: String(n) }),
    );
  }

  async #write(n: number): Promise<void> {
    try {
      const client = (this.#row ??= await this.#options.app());
      await client.query('begin');
      await client.query(`update ${TABLE} set n = ${ROLLED_BACK}`);
      await client.query('rollback');
      await client.query(`insert into ${TABLE} values ($1, $2) on conflict (id) do update set n = excluded.n`, [n % KEYS, n]);
    } catch (error) {
      await this.#row?.end().catch(() => {});
      this.#row = null;
      throw error;
    }
  }
}

/** What a function was told of the traffic, as it noted it. */
export class SeenTraffic {
  readonly #diary: Diary;

  constructor(diary: Diary) {
    this.#diary = diary;
  }

  /** How many of those that were acknowledged have not been seen, by kind. */
  missing({ acknowledged }: MixedTraffic): Record<keyof Quota, number> {
    const seen: Record<keyof Quota, Set<number>> = {
      async: new Set(this.#diary.entries.flatMap((e) => (e.event['call'] === undefined ? [] : [e.event['call'] as number]))),
      uploads: new Set(this.#uploads()),
      messages: new Set(this.#messages().map((m) => m.n)),
      rows: new Set(this.rows().map((r) => r.after?.['n'] as number)),
    };
    const lost = (of: keyof Quota): number => [...acknowledged[of]].filter((n) => !seen[of].has(n)).length;
    return { async: lost('async'), uploads: lost('uploads'), messages: lost('messages'), rows: lost('rows') };
  }

  /** Rows that a transaction wrote which was rolled back. */
  rolledBack(): SeenRecord[] {
    return this.rows().filter((r) => r.after?.['n'] === ROLLED_BACK);
  }

  /** Keys whose numbers did not come in order, each told the first time it was seen; rows and groups of messages. */
  disordered(): string[] {
    const messages = this.#messages().map(({ n }) => ({ key: `message group ${n % KEYS}`, n }));
    const rows = this.rows().map((r) => ({ key: `row ${String(r.after?.['id'])}`, n: r.after?.['n'] as number }));
    const last = new Map<string, number>();
    const seen = new Set<string>();
    const wrong: string[] = [];
    for (const { key, n } of [...messages, ...rows]) {
      if (seen.has(`${key} ${n}`)) continue;
      seen.add(`${key} ${n}`);
      const before = last.get(key) ?? -1;
      if (n < before) wrong.push(`${key}: ${n} after ${before}`);
      last.set(key, Math.max(before, n));
    }
    return wrong;
  }

  rows(): SeenRecord[] {
    return this.#records<SeenRecord>((r) => r['after'] !== undefined);
  }

  #uploads(): number[] {
    const records = this.#records<{ s3: { object: { key: string } } }>((r) => r['s3'] !== undefined);
    return records.map((r) => Number(r.s3.object.key.replace('in/', '')));
  }

  #messages(): { n: number }[] {
    return this.#records<{ body: string }>((r) => r['body'] !== undefined).map((r) => ({ n: Number(r.body) }));
  }

  #records<T>(wanted: (record: Record<string, unknown>) => boolean): T[] {
    const all = this.#diary.entries.flatMap((e) => (e.event['Records'] as Record<string, unknown>[] | undefined) ?? []);
    return all.filter(wanted) as T[];
  }
}
