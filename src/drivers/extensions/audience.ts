import type { Clock } from '../../lib/clock.ts';
import type { Subscription } from './subscription.ts';
import { EarlyRecords, TelemetryChannel, type TelemetryEvent } from './telemetry.ts';

/** What a record takes beside its line, about. */
const RECORD_BYTES = 200;

/** Who is told what happens to one instance: each extension that has subscribed, of what was before it did, too. */
export class Audience {
  readonly #clock: Clock;
  readonly #reached: (url: string) => string;
  /** By the extension and the API that it has them from. */
  readonly #channels = new Map<string, TelemetryChannel>();
  /** Null once nobody can subscribe any more. */
  #early: EarlyRecords | null = new EarlyRecords();

  /** `reached`: a URL of the instance's, as this process reaches it. */
  constructor(clock: Clock, reached: (url: string) => string) {
    this.#clock = clock;
    this.#reached = reached;
  }

  /** Never waits, never throws. `bytes`: of a line; what the platform says is short. */
  tell(event: TelemetryEvent, bytes = 0): void {
    this.#early?.add(event, this.#clock.now(), bytes + RECORD_BYTES);
    for (const channel of this.#channels.values()) channel.tell(event);
  }

  /** In place of what the same extension has subscribed to before: each subscription holds what it was not rid of yet. */
  subscribe(extensionId: string, subscription: Subscription): void {
    const key = `${extensionId}/${subscription.api}`;
    this.#channels.get(key)?.close();
    const channel = new TelemetryChannel(subscription, this.#clock, this.#reached);
    this.#early?.replay(channel);
    this.#channels.set(key, channel);
  }

  /** Nobody subscribes any more. */
  complete(): void {
    this.#early = null;
  }

  /** Resolves when what was told has been taken, or lost. */
  async flush(): Promise<void> {
    await Promise.all([...this.#channels.values()].map((channel) => channel.flush()));
  }

  /** Nobody is told anything any more. */
  close(): void {
    for (const channel of this.#channels.values()) channel.close();
  }
}
