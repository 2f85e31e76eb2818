import type { Answer } from '../fleet/driver.ts';
import { deferred } from '../lib/deferred.ts';
import type { AnswerSink } from '../model/answer-sink.ts';
import type { Invocation } from '../model/invocation.ts';
import type { WorkerInstance } from './worker.ts';

/** One invocation among those that an instance serves at once. */
export interface Company {
  /** Hands it over; null when it was given up. Rejects as the instance's `invoke` does. Once. */
  invoke(deadlineMs: number): Promise<Answer | null>;
  /** Its timeout has passed. */
  giveUp(): void;
  /** It has ended, whatever way. Idempotent; at the latest now those beside it need not be waited for on its account. */
  leave(): void;
}

/**
 * The invocations that share instances. A timeout ends the instance, as on Lambda, but not those beside the one that is late: with some of them within
 * their own time the instance is only taken out of service, and killed once they have ended or are late themselves. The late handler runs until then, and
 * nobody hears what it says.
 */
export class Companions {
  /** How many of an instance's invocations are within their time; only of those that have any. */
  readonly #within = new Map<WorkerInstance, number>();
  /** Those that have a late one among them, and are killed with the last that is not. */
  readonly #doomed = new Set<WorkerInstance>();

  join(instance: WorkerInstance, invocation: Invocation): Company {
    const givenUp = deferred<null>();
    const sink = invocation.sink === undefined ? null : new SinkUntilLate(invocation.sink);
    let within = true;
    this.#within.set(instance, (this.#within.get(instance) ?? 0) + 1);
    const leave = (late: boolean): void => {
      if (!within) return;
      within = false;
      this.#left(instance, late);
    };
    return {
      invoke: (deadlineMs) =>
        Promise.race([instance.invoke(sink === null ? invocation : { ...invocation, sink }, deadlineMs), givenUp.promise]),
      giveUp() {
        leave(true);
        sink?.close();
        givenUp.resolve(null);
      },
      leave: () => leave(false),
    };
  }

  #left(instance: WorkerInstance, late: boolean): void {
    const others = (this.#within.get(instance) ?? 1) - 1;
    if (others > 0) {
      this.#within.set(instance, others);
      if (!late) return;
      this.#doomed.add(instance);
      instance.withdraw();
    } else {
      this.#within.delete(instance);
      if (this.#doomed.delete(instance) || late) void instance.kill();
    }
  }
}

/** Where an answer streams until its invocation is late. From then on there is room for nothing, which makes drivers cancel it at its next piece. */
class SinkUntilLate implements AnswerSink {
  #sink: AnswerSink | null;
  /** Its own: an answer that begins when it is late must not seem to begin twice, nor to end before it began, for which drivers end an instance. */
  #begun = false;

  constructor(sink: AnswerSink) {
    this.#sink = sink;
  }

  get limitBytes(): number {
    return this.#sink?.limitBytes ?? 0;
  }

  get begun(): boolean {
    return this.#begun;
  }

  get bytes(): number {
    return this.#sink?.bytes ?? 0;
  }

  begin(contentType: string): void {
    this.#begun = true;
    this.#sink?.begin(contentType);
  }

  write(piece: Buffer, taken: () => void): void {
    if (this.#sink === null) taken();
    else this.#sink.write(piece, taken);
  }

  finish(): void {
    this.#sink?.finish();
  }

  close(): void {
    this.#sink = null;
  }
}
