import type { Answer, InstanceSpec, LogSink, StartSpec } from '../../fleet/driver.ts';
import type { Clock } from '../../lib/clock.ts';
import { deferred } from '../../lib/deferred.ts';
import type { Ids } from '../../lib/ids.ts';
import { endWords } from '../../model/exit-words.ts';
import type { Invocation } from '../../model/invocation.ts';
import { loggingOf } from '../../model/logging.ts';
import { reportRecord, runtimeDoneRecord, startRecord, type Measured } from '../../model/platform-records.ts';
import type { Loopbacks } from '../../sandbox/loopback/loopbacks.ts';
import { initFailed } from '../endings.ts';
import type { Spawner } from '../exec/spawner.ts';
import { Audience } from './audience.ts';
import { ExtensionApi } from './extension-api.ts';
import { ExtensionDesk, type Extension } from './extension-desk.ts';
import { ExtensionPrograms } from './extension-programs.ts';
import type { ExtensionFile } from './find-extensions.ts';
import type { Subscription } from './subscription.ts';
import { lineRecord } from './telemetry.ts';

/** Why an instance ends, in Lambda's words. */
export type ShutdownReason = 'spindown' | 'timeout' | 'failure';

export interface HostDeps {
  readonly spawner: Spawner;
  readonly clock: Clock;
  readonly ids: Ids;
  /** Those of instances' own; null: all have the machine's. */
  readonly loopbacks: Pick<Loopbacks, 'hostOf'> | null;
}

/** What ends an instance by an extension's doing, in Lambda's words. */
export interface ExtensionFailure {
  readonly errorType: string;
  /** After `RequestId: … Error: `. */
  readonly reason: string;
}

/** Lambda's: how long extensions may take to tidy up. */
const SHUTDOWN_MS = 2_000;
const MIB = 1024 * 1024;

/** The extensions of one instance with the APIs that they use; knows nothing of how the function itself is run. */
export class ExtensionHost {
  readonly #deps: HostDeps;
  readonly #spec: StartSpec;
  readonly #instance: InstanceSpec;
  readonly #files: readonly ExtensionFile[];
  readonly #desk: ExtensionDesk;
  readonly #api: ExtensionApi;
  readonly #programs: ExtensionPrograms;
  readonly #audience: Audience;
  readonly #failure = deferred<never>();
  #wantsPause = false;
  #pauseFunction: () => void = () => {};
  #firstInitMs: number | null = null;
  #shutdown: Promise<void> | null = null;
  /** Called once the instance runs, when an extension fails. */
  onFailure: (failure: ExtensionFailure) => void = () => {};

  constructor(deps: HostDeps, o: { readonly spec: StartSpec; readonly instance: InstanceSpec; readonly files: readonly ExtensionFile[] }) {
    this.#deps = deps;
    this.#spec = o.spec;
    this.#instance = o.instance;
    this.#files = o.files;
    this.#failure.promise.catch(() => undefined); // whoever waits is told
    this.#audience = new Audience(deps.clock, (url) => this.#reached(url));
    this.#desk = new ExtensionDesk(
      o.files.map((f) => f.name),
      {
        ids: deps.ids,
        listener: {
          failed: ({ name }, { phase, errorType, body }) =>
            this.#failed(`${name}: ${phase} error ${errorType} ${body.toString()}`, {
              errorType,
              reason: `extension ${name}: ${body.toString()}`,
            }),
          idle: () => this.#pauseIfWanted(),
        },
      },
    );
    this.#api = new ExtensionApi({ desk: this.#desk, version: o.spec.version, subscribe: (e, s) => this.#subscribe(e, s) });
    this.#programs = new ExtensionPrograms({
      ...deps,
      spec: o.spec,
      instance: o.instance,
      printed: (text) => {
        o.instance.log.line(null, text);
        this.#audience.tell({ type: 'extension', record: text }, text.length);
      },
      died: (name, status) => {
        const reason = endWords(status);
        this.#failed(`extension ${name}: ${reason}`, { errorType: 'Extension.Crash', reason });
      },
    });
  }

  /** Where the function's lines go: to its log, and to those who subscribed. */
  get sink(): LogSink {
    const { log } = this.#instance;
    return {
      line: (requestId, text) => {
        log.line(requestId, text);
        this.#audience.tell({ type: 'function', record: lineRecord(text, this.#spec.version.logging?.format ?? 'Text') }, text.length);
      },
    };
  }

  /** Starts the extensions; resolves with AWS_LAMBDA_RUNTIME_API when all have registered. Rejects with InitFailure. */
  async open(): Promise<string> {
    const { name: functionName, version: functionVersion } = this.#spec.version;
    this.#audience.tell({
      type: 'platform.initStart',
      record: { initializationType: 'on-demand', phase: 'init', functionName, functionVersion },
    });
    const address = await this.#api.listen();
    await this.#programs.start(this.#files, address);
    this.#api.serveOnly(this.#users());
    await this.#within(this.#desk.registered, 'did not register');
    return address;
  }

  /** Whose processes may ask: extensions, which are the function's own user's, and this one: a custom runtime's asks through the Runtime API, which passes it on. */
  #users(): readonly number[] | null {
    const [theirs, own] = [this.#programs.uid, process.getuid?.() ?? null];
    if (own === null || (theirs === null && this.#files.length > 0)) return null;
    return theirs === null ? [own] : [own, theirs];
  }

  /** Rejects when an extension fails, with InitFailure; never resolves. */
  get failure(): Promise<never> {
    return this.#failure.promise;
  }

  /** Resolves when the init phase of every extension has ended, too. `initMs`: how long all of it took. */
  async ready(initMs: () => number): Promise<void> {
    const init = { initializationType: 'on-demand', phase: 'init' };
    this.#audience.tell({ type: 'platform.initRuntimeDone', record: { ...init, status: 'success' } });
    await this.#within(this.#desk.ready, 'did not ask for an event');
    this.#desk.open = false;
    this.#audience.complete();
    this.#firstInitMs = initMs();
    for (const e of this.#desk.extensions())
      this.#say('EXTENSION', 'platform.extension', { name: e.name, state: 'Ready', events: [...e.events] });
    this.#audience.tell({
      type: 'platform.initReport',
      record: { ...init, status: 'success', metrics: { durationMs: Math.round(this.#firstInitMs * 1000) / 1000 } },
    });
  }

  began(invocation: Invocation, deadlineMs: number): void {
    const { requestId, invokedArn: invokedFunctionArn, traceId } = invocation;
    this.#audience.tell(startRecord(this.#spec.version, requestId));
    const tracing = { type: 'X-Amzn-Trace-Id', value: traceId };
    this.#desk.announce({
      type: 'INVOKE',
      document: { eventType: 'INVOKE', deadlineMs: Math.round(deadlineMs), requestId, invokedFunctionArn, tracing },
    });
  }

  /** An invocation was answered, or not: `answer` null; `late`: for it had run out of time. `peakMemoryBytes`: null when nobody could tell. Resolves when that has been told; never rejects. */
  async ended(
    { requestId, sink }: Invocation,
    end: { readonly durationMs: number; readonly answer: Answer | null; readonly late: boolean; readonly peakMemoryBytes: number | null },
  ): Promise<void> {
    const { answer, late, peakMemoryBytes } = end;
    const { memoryMb, timeoutMs } = this.#spec.version;
    const durationMs = late ? timeoutMs : end.durationMs; // the rest went into ending it, and is not billed
    const measured: Measured = {
      requestId,
      durationMs,
      billedMs: Math.ceil(durationMs),
      initMs: this.#firstInitMs,
      coldRung: null,
      coldMs: 0,
      memoryMb,
      memoryUsedMb: peakMemoryBytes === null ? memoryMb : Math.min(memoryMb, Math.ceil(peakMemoryBytes / MIB)),
      bytesOut: (answer?.body.length ?? 0) + (sink?.bytes ?? 0),
      outcome: answer === null ? (late ? 'timeout' : 'crash') : answer.errorType === null ? 'ok' : 'error',
    };
    this.#firstInitMs = null;
    if (answer?.logged != null) await answer.logged; // what the function printed comes first
    this.#audience.tell(runtimeDoneRecord(measured));
    this.#audience.tell({ type: 'platform.end', record: { requestId } });
    this.#audience.tell(reportRecord(measured));
  }

  /** Stops the extensions as soon as each waits for its next event; the function at once, unless one of them lives in its process. */
  pause(pauseFunction: () => void): void {
    this.#wantsPause = true;
    if (this.#desk.hasInternal) this.#pauseFunction = pauseFunction;
    else pauseFunction();
    this.#pauseIfWanted();
  }

  resume(): void {
    this.#wantsPause = false;
    this.#pauseFunction = () => {};
    this.#programs.resume();
  }

  memoryBytes(): Promise<number> {
    return this.#programs.memoryBytes();
  }

  /** Tells the extensions that it is over, lets those who asked for it tidy up, and ends them all. Idempotent; never rejects. */
  shutdown(reason: ShutdownReason): Promise<void> {
    this.#shutdown ??= this.#end(reason);
    return this.#shutdown;
  }

  async #end(shutdownReason: ShutdownReason): Promise<void> {
    const { clock } = this.#deps;
    this.#programs.expectEnds();
    this.resume();
    const late = deferred<void>();
    const timer = clock.after(SHUTDOWN_MS, () => late.resolve());
    const deadlineMs = clock.now() + SHUTDOWN_MS;
    const told = new Set(
      this.#desk
        .extensions()
        .filter((e) => e.external && e.events.has('SHUTDOWN'))
        .map((e) => e.name),
    );
    try {
      await Promise.race([this.#audience.flush(), late.promise]);
      this.#desk.announce({ type: 'SHUTDOWN', document: { eventType: 'SHUTDOWN', shutdownReason, deadlineMs } });
      await this.#programs.kill(told);
      await Promise.race([this.#programs.ended(told), late.promise]);
    } finally {
      timer.cancel();
      this.#audience.close();
      await this.#programs.kill();
      await this.#api.close();
    }
  }

  #pauseIfWanted(): void {
    if (!this.#wantsPause || this.#shutdown !== null || !this.#desk.idle) return;
    this.#programs.pause();
    this.#pauseFunction();
  }

  #subscribe(extension: Extension, subscription: Subscription): void {
    this.#audience.subscribe(extension.id, subscription);
    const types = [...subscription.types];
    const [word, type] =
      subscription.api === 'logs' ? ['LOGS', 'platform.logsSubscription'] : ['TELEMETRY', 'platform.telemetrySubscription'];
    this.#say(word ?? '', type ?? '', { name: extension.name, state: 'Subscribed', types });
  }

  /** An address within the instance, as the server reaches it. */
  #reached(within: string): string {
    const { loopbacks } = this.#deps;
    if (loopbacks === null) return within;
    const url = new URL(within);
    url.hostname = loopbacks.hostOf(this.#instance.instanceId, Number(url.port) || 80);
    return url.href;
  }

  /** What the platform says of extensions, in the function's log and to subscribers. */
  #say(word: string, type: string, record: { readonly name: string; readonly state: string; readonly [list: string]: unknown }): void {
    const { logging = loggingOf('Text') } = this.#spec.version;
    const { name, state, ...lists } = record;
    const [title = '', items = []] = (Object.entries(lists) as [string, string[]][])[0] ?? [];
    const text = `${word}\tName: ${name}\tState: ${state}\t${title.charAt(0).toUpperCase()}${title.slice(1)}: [${items.join(', ')}]`;
    const json = JSON.stringify({ time: new Date(this.#deps.clock.now()).toISOString(), type, record });
    if (logging.format === 'Text') this.#instance.log.line(null, text);
    else if (logging.systemLevel !== 'WARN') this.#instance.log.line(null, json);
    this.#audience.tell({ type, record });
  }

  #failed(what: string, failure: ExtensionFailure): void {
    this.#instance.log.line(null, what);
    this.#failure.reject(initFailed(failure.errorType, failure.reason, { requestId: this.#instance.instanceId, durationMs: 0 }));
    this.onFailure(failure);
  }

  async #within(step: Promise<void>, what: string): Promise<void> {
    const { initTimeoutMs } = this.#spec;
    const late = deferred<never>();
    const timer = this.#deps.clock.after(initTimeoutMs, () => {
      const message = `an extension ${what} within ${(initTimeoutMs / 1000).toFixed(2)} seconds`;
      late.reject(initFailed('Sandbox.Timedout', message, { requestId: this.#instance.instanceId, durationMs: initTimeoutMs }));
    });
    try {
      await Promise.race([step, this.#failure.promise, late.promise]);
    } finally {
      timer.cancel();
    }
  }
}
