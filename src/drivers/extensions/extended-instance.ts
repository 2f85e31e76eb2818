import { InstanceExited, type Answer, type DriverInstance } from '../../fleet/driver.ts';
import type { Clock } from '../../lib/clock.ts';
import { deferred } from '../../lib/deferred.ts';
import { failureDocument } from '../../model/error-document.ts';
import type { ExitStatus, InitReport } from '../../model/instance.ts';
import type { Invocation } from '../../model/invocation.ts';
import type { ExtensionFailure, ExtensionHost, ShutdownReason } from './extension-host.ts';

/** An instance and its extensions, which hear of each invocation, rest when it rests and end when it ends. */
export class ExtendedInstance implements DriverInstance {
  readonly init: InitReport | null;
  readonly exited: Promise<ExitStatus>;
  /** Long before `exited`, where extensions tidy up. */
  readonly ending: Promise<void>;
  readonly #inner: DriverInstance;
  readonly #host: ExtensionHost;
  readonly #clock: Clock;
  /** Invocations under way: what each is told when an extension fails. */
  readonly #pending = new Set<(failure: ExtensionFailure) => void>();
  /** Each settles when extensions have been told how an invocation ended. */
  readonly #untold = new Set<Promise<void>>();
  #inFlight = 0;
  #reason: ShutdownReason | null = null;

  constructor(inner: DriverInstance, host: ExtensionHost, o: { readonly clock: Clock; readonly initMs: number }) {
    this.#inner = inner;
    this.#host = host;
    this.#clock = o.clock;
    this.init = inner.init === null ? null : { ...inner.init, durationMs: o.initMs };
    const over = deferred<void>();
    this.ending = over.promise;
    void inner.ending.then(() => {
      this.#reason ??= 'failure';
      over.resolve();
    });
    this.exited = inner.exited.then(async (status) => {
      await Promise.all(this.#untold); // else extensions would have ended before they hear how the last invocations did
      await host.shutdown(this.#reason ?? 'failure');
      return status;
    });
    host.onFailure = (failure) => {
      this.#reason ??= 'failure';
      over.resolve();
      for (const fail of this.#pending) fail(failure);
      void inner.kill();
    };
  }

  get pid(): number | null {
    return this.#inner.pid;
  }

  get rung(): DriverInstance['rung'] {
    return this.#inner.rung;
  }

  get steps(): DriverInstance['steps'] {
    return this.#inner.steps;
  }

  async invoke(invocation: Invocation, deadlineMs: number): Promise<Answer> {
    const from = this.#clock.monotonic();
    const leftMs = deadlineMs - this.#clock.now();
    let answer: Answer | null = null;
    let peakMemoryBytes: number | null = null;
    // Nobody waits for what the function would still say.
    const broken = deferred<Answer>();
    const fail = ({ errorType, reason }: ExtensionFailure): void => {
      const ended = { handlerMs: this.#clock.monotonic() - from, peakMemoryBytes: 0, logged: null };
      broken.resolve({ errorType, body: failureDocument(errorType, reason, invocation.requestId), ...ended });
    };
    const told = deferred<void>();
    this.#untold.add(told.promise);
    this.#pending.add(fail);
    this.#inFlight++;
    this.#host.began(invocation, deadlineMs);
    try {
      answer = await Promise.race([this.#inner.invoke(invocation, deadlineMs), broken.promise]);
      ({ peakMemoryBytes } = answer);
      return answer;
    } catch (error) {
      if (error instanceof InstanceExited) ({ peakMemoryBytes } = error);
      throw error;
    } finally {
      this.#pending.delete(fail);
      this.#inFlight--;
      const late = answer === null && this.#clock.monotonic() - from >= leftMs; // killed before, it held too much memory, say
      void this.#host.ended(invocation, { durationMs: this.#clock.monotonic() - from, answer, late, peakMemoryBytes }).then(() => {
        this.#untold.delete(told.promise);
        told.resolve();
      });
    }
  }

  pause(): void {
    this.#host.pause(() => this.#inner.pause());
  }

  resume(): void {
    this.#host.resume();
    this.#inner.resume();
  }

  async memoryBytes(): Promise<number | null> {
    const [own, theirs] = await Promise.all([this.#inner.memoryBytes(), this.#host.memoryBytes()]);
    return own === null ? null : own + theirs;
  }

  /** The function's own: what extensions hold counts for admission, not against it. */
  holdsMoreThan(bytes: number): boolean {
    return this.#inner.holdsMoreThan(bytes);
  }

  async kill(): Promise<ExitStatus> {
    this.#reason ??= this.#inFlight > 0 ? 'timeout' : 'spindown';
    await this.#inner.kill();
    return this.exited;
  }
}
