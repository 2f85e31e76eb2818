import { request } from 'node:http';
import type { Clock, Timer } from '../../lib/clock.ts';
import type { RecordType, Subscription } from './subscription.ts';

/** One happening, as the Telemetry API tells it. */
export interface TelemetryEvent {
  /** `function`, `extension`, or `platform.…`. */
  readonly type: string;
  /** Of the platform, an object; of the others a line, or what it is as JSON. */
  readonly record: unknown;
}

/** More than this waits for nobody: who does not take it loses the oldest. */
const MOST_BYTES = 4 * 1024 * 1024;
const AGAIN_MS = 1_000;

/** Records for one subscriber, gathered as it asked and posted to it one batch after the other, again until it takes them. What is too much is lost, and counted. */
export class TelemetryChannel {
  readonly #subscription: Subscription;
  readonly #clock: Clock;
  readonly #reached: (url: string) => string;
  #waiting: string[] = [];
  #bytes = 0;
  #lost = { records: 0, bytes: 0 };
  #timer: Timer | null = null;
  #posting: Promise<void> | null = null;
  #closed = false;

  /** `reached`: a URL of the instance's, as this process reaches it. */
  constructor(subscription: Subscription, clock: Clock, reached: (url: string) => string = (url) => url) {
    this.#subscription = subscription;
    this.#clock = clock;
    this.#reached = reached;
  }

  /** Never waits, never throws. */
  tell({ type, record }: TelemetryEvent): void {
    const { types, maxItems, maxBytes, timeoutMs, api } = this.#subscription;
    if (this.#closed || !types.has(kindOf(type)) || (api === 'logs' ? !LOGS_TYPES.test(type) : ONLY_LOGS.test(type))) return;
    const text = JSON.stringify({ time: new Date(this.#clock.now()).toISOString(), type, record });
    const bytes = Buffer.byteLength(text);
    this.#waiting.push(text);
    this.#bytes += bytes;
    while (this.#bytes > MOST_BYTES) this.#drop();
    if (this.#waiting.length >= maxItems || this.#bytes >= maxBytes) void this.flush();
    else this.#timer ??= this.#clock.after(timeoutMs, () => void this.flush());
  }

  /** Posts what waits; resolves when it has been taken or lost. */
  async flush(): Promise<void> {
    this.#timer?.cancel();
    this.#timer = null;
    while (this.#posting !== null) await this.#posting;
    if (this.#waiting.length === 0 || this.#closed) return;
    this.#posting = this.#post().finally(() => (this.#posting = null));
    await this.#posting;
  }

  /** Nothing more is posted. */
  close(): void {
    this.#closed = true;
    this.#timer?.cancel();
  }

  async #post(): Promise<void> {
    const { records, bytes } = this.#lost;
    if (records > 0) this.#waiting.push(dropped(this.#clock, records, bytes));
    this.#lost = { records: 0, bytes: 0 };
    const batch = this.#waiting;
    this.#waiting = [];
    this.#bytes = 0;
    if (await posted(this.#reached(this.#subscription.url), Buffer.from(`[${batch.join(',')}]`))) return;
    // Not there yet, or in trouble: the same again, with what came meanwhile.
    this.#waiting = [...batch, ...this.#waiting];
    this.#bytes = this.#waiting.reduce((sum, text) => sum + Buffer.byteLength(text), 0);
    while (this.#bytes > MOST_BYTES) this.#drop();
    if (!this.#closed) this.#timer ??= this.#clock.after(AGAIN_MS, () => void this.flush());
  }

  #drop(): void {
    const bytes = Buffer.byteLength(this.#waiting.shift() ?? '');
    this.#bytes -= bytes;
    this.#lost = { records: this.#lost.records + 1, bytes: this.#lost.bytes + bytes };
  }
}

/** Those that the Logs API has. */
const LOGS_TYPES = /^(function|extension|platform\.(start|end|report|runtimeDone|extension|fault|logsSubscription|logsDropped))$/;

const ONLY_LOGS = /^platform\.(end|logsSubscription)$/;

function kindOf(type: string): RecordType {
  return type === 'function' || type === 'extension' ? type : 'platform';
}

function dropped(clock: Clock, droppedRecords: number, droppedBytes: number): string {
  const record = { reason: 'Consumer is too slow, or does not take what it is sent', droppedRecords, droppedBytes };
  return JSON.stringify({ time: new Date(clock.now()).toISOString(), type: 'platform.logsDropped', record });
}

function posted(url: string, body: Buffer): Promise<boolean> {
  return new Promise((resolve) => {
    const sent = request(
      url,
      { method: 'POST', agent: false, headers: { 'content-type': 'application/json', 'content-length': body.length } },
      (response) => {
        response.resume();
        response.once('close', () => resolve((response.statusCode ?? 500) < 300));
      },
    );
    sent.once('error', () => resolve(false));
    sent.end(body);
  });
}
