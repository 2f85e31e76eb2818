import { request } from 'node:http';
import type { Clock, Timer } from '../../lib/clock.ts';
import { Backlog } from './backlog.ts';
import type { RecordType, Subscription } from './subscription.ts';

/** A record that is JSON already. Written anew it might not be the same, and what is very deep can be read but not written. */
class RawJson {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

/** A line as telemetry has it: of a function that logs JSON, what it says. */
export function lineRecord(text: string, format: 'JSON' | 'Text'): unknown {
  if (format === 'Text' || !text.startsWith('{')) return text;
  try {
    JSON.parse(text);
    return new RawJson(text);
  } catch {
    return text;
  }
}

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

/** What was told before anybody could have subscribed, as much of it as one subscriber's channel holds. */
export class EarlyRecords {
  readonly #backlog = new Backlog<{ readonly event: TelemetryEvent; readonly atMs: number; readonly bytes: number }>(
    MOST_BYTES,
    (e) => e.bytes,
  );

  /** `bytes`: about what it takes. */
  add(event: TelemetryEvent, atMs: number, bytes: number): void {
    this.#backlog.push({ event, atMs, bytes });
  }

  /** Tells a new subscriber. */
  replay(channel: TelemetryChannel): void {
    channel.missed(this.#backlog.lost);
    for (const { event, atMs } of this.#backlog.all()) channel.tell(event, atMs);
  }
}

/** Records for one subscriber, gathered as it asked and posted to it one batch after the other, again until it takes them. What is too much is lost, and counted. */
export class TelemetryChannel {
  readonly #subscription: Subscription;
  readonly #clock: Clock;
  readonly #reached: (url: string) => string;
  readonly #waiting = new Backlog<string>(MOST_BYTES, (text) => Buffer.byteLength(text));
  #timer: Timer | null = null;
  #posting: Promise<void> | null = null;
  /** The last batch was not taken: the next attempt is the timer's, however much comes. */
  #refused = false;
  readonly #closing = new AbortController();

  /** `reached`: a URL of the instance's, as this process reaches it. */
  constructor(subscription: Subscription, clock: Clock, reached: (url: string) => string = (url) => url) {
    this.#subscription = subscription;
    this.#clock = clock;
    this.#reached = reached;
  }

  get #closed(): boolean {
    return this.#closing.signal.aborted;
  }

  /** Never waits, never throws. `atMs`: when it was. */
  tell({ type, record }: TelemetryEvent, atMs = this.#clock.now()): void {
    const { types, api } = this.#subscription;
    if (this.#closed || !types.has(kindOf(type)) || (api === 'logs' ? !LOGS_TYPES.test(type) : ONLY_LOGS.test(type))) return;
    const json = record instanceof RawJson ? record.text : JSON.stringify(record);
    this.#waiting.push(`{"time":"${new Date(atMs).toISOString()}","type":${JSON.stringify(type)},"record":${json}}`);
    this.#plan();
  }

  /** Counts what was lost before there was this channel. */
  missed(lost: { readonly records: number; readonly bytes: number }): void {
    this.#waiting.addLost(lost);
  }

  /** Posts what waits; resolves when it has been taken or lost. */
  async flush(): Promise<void> {
    this.#timer?.cancel();
    this.#timer = null;
    while (this.#posting !== null) await this.#posting;
    if (this.#waiting.length === 0 || this.#closed) return;
    this.#posting = this.#post().finally(() => {
      this.#posting = null;
      if (this.#waiting.length > 0) this.#plan();
    });
    await this.#posting;
  }

  /** Nothing more is posted, and what is under way is broken off: who does not answer holds nothing of an instance that has ended. */
  close(): void {
    this.#closing.abort();
    this.#timer?.cancel();
  }

  /** What waits is posted when it is much or has waited long enough; after what is under way, and not before its time where the last was refused. */
  #plan(): void {
    if (this.#closed || this.#posting !== null) return;
    const { maxItems, maxBytes, timeoutMs } = this.#subscription;
    const much = this.#waiting.length >= maxItems || this.#waiting.bytes >= maxBytes;
    if (much && !this.#refused) void this.flush();
    else this.#timer ??= this.#clock.after(this.#refused ? AGAIN_MS : timeoutMs, () => void this.flush());
  }

  async #post(): Promise<void> {
    const { records, bytes } = this.#waiting.takeLost();
    const batch = this.#waiting.take();
    if (records > 0) batch.push(dropped(this.#clock, records, bytes));
    const body = Buffer.from(`[${batch.join(',')}]`);
    // Nobody waits for what a full batch starts: what it throws would be the server's end.
    const taken = await posted(this.#reached(this.#subscription.url), body, this.#closing.signal).catch(() => false);
    this.#refused = !taken;
    // Not there yet, or in trouble: the same again, with what came meanwhile.
    if (!taken) this.#waiting.putBack(batch);
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

function posted(url: string, body: Buffer, signal: AbortSignal): Promise<boolean> {
  return new Promise((resolve) => {
    const sent = request(
      url,
      { method: 'POST', agent: false, signal, headers: { 'content-type': 'application/json', 'content-length': body.length } },
      (response) => {
        response.resume();
        response.once('close', () => resolve((response.statusCode ?? 500) < 300));
        response.once('error', () => resolve(false)); // broken off
      },
    );
    sent.once('error', () => resolve(false));
    sent.end(body);
  });
}
