import type { LineListener, StartReport, WorkerInstance } from '../dispatch/worker.ts';
import type { FunctionVersion } from '../model/function-version.ts';
import { mayBecome, type ExitStatus, type InstanceState } from '../model/instance.ts';
import type { Invocation } from '../model/invocation.ts';
import type { ChainHistory } from './chain-history.ts';
import type { Answer, DriverInstance, LogSink } from './driver.ts';

const MIB = 1024 * 1024;

/** What an instance tells its fleet. */
export interface InstanceObserver {
  becameIdle(instance: FleetInstance): void;
  becameBusy(instance: FleetInstance): void;
  /** Once, as soon as it takes no more work. It may go on for a while: those beside a call that was late have their time, extensions tidy up. */
  withdrawn(instance: FleetInstance): void;
  /** Once, after that, when the process and everything it started has ended. */
  ended(instance: FleetInstance, status: ExitStatus): void;
}

export interface FleetInstanceOptions {
  readonly id: string;
  readonly version: FunctionVersion;
  readonly start: StartReport;
  readonly startedAtMs: number;
  readonly logStream: string;
  readonly lines: InstanceLines;
  readonly chains: ChainHistory;
}

/** The log of one instance: to the function's log, and to whoever listens to one of its invocations. */
export class InstanceLines implements LogSink {
  readonly #write: (requestId: string | null, text: string) => void;
  #listeners: Map<string, LineListener> | null = null;

  constructor(write: (requestId: string | null, text: string) => void) {
    this.#write = write;
  }

  line(requestId: string | null, text: string): void {
    this.#write(requestId, text);
    if (requestId !== null) this.#listeners?.get(requestId)?.(text);
  }

  listen(requestId: string, listener: LineListener): () => void {
    this.#listeners ??= new Map();
    this.#listeners.set(requestId, listener);
    return () => this.#listeners?.delete(requestId);
  }
}

/**
 * The safety around any driver's instance: states change only as the table allows, `kill` is idempotent, an instance that is
 * being ended gets no work, and its end is told exactly once.
 */
export class FleetInstance implements WorkerInstance {
  readonly id: string;
  readonly version: FunctionVersion;
  readonly start: StartReport;
  readonly startedAtMs: number;
  readonly logStream: string;
  readonly #driver: DriverInstance;
  readonly #lines: InstanceLines;
  readonly #observer: InstanceObserver;
  readonly #chains: ChainHistory;
  #state: InstanceState = 'starting';
  #gone: (() => void) | null = null;
  #invocations = 0;
  /** Monotonic; meaningful while idle or paused. */
  idleSinceMs = 0;
  /** The same on the wall clock, for people; null while it works. */
  idleAtMs: number | null = null;
  /** The eviction clock when it last took up work. */
  clockAtUse = 0;
  /** Whether it ended, or was ended, while it worked. */
  lostAtWork = false;
  /** See MemoryWatch. */
  looks = 0;

  constructor(driver: DriverInstance, options: FleetInstanceOptions, observer: InstanceObserver) {
    this.id = options.id;
    this.version = options.version;
    this.start = options.start;
    this.startedAtMs = options.startedAtMs;
    this.logStream = options.logStream;
    this.#driver = driver;
    this.#lines = options.lines;
    this.#observer = observer;
    this.#chains = options.chains;
    void driver.ending.then(() => this.withdraw());
    void driver.exited.then((status) => {
      this.withdraw();
      this.#become('gone');
      this.#chains.ended(this.id);
      this.#observer.ended(this, status);
    });
  }

  get pid(): number | null {
    return this.#driver.pid;
  }

  get state(): InstanceState {
    return this.#state;
  }

  get invocations(): number {
    return this.#invocations;
  }

  get alive(): boolean {
    return this.#state !== 'stopping' && this.#state !== 'gone';
  }

  invoke(invocation: Invocation, deadlineMs: number): Promise<Answer> {
    this.#invocations++;
    const { lineage } = invocation;
    const ends = this.#chains.begin(this.id, lineage);
    const answer = this.#driver.invoke(invocation, deadlineMs);
    return ends ? answer.finally(() => this.#chains.end(this.id, lineage)) : answer;
  }

  busy(): void {
    if (this.#state === 'busy') return;
    if (this.#state === 'paused') this.#driver.resume();
    this.#become('busy');
    this.#observer.becameBusy(this);
  }

  idle(): void {
    if (!this.alive || this.#state === 'idle') return;
    this.#become('idle');
    this.#observer.becameIdle(this);
  }

  /** Stops an idle instance until it is wanted. */
  pause(): void {
    if (this.#state !== 'idle') return;
    this.#become('paused');
    this.#driver.pause();
  }

  withdraw(): void {
    if (!this.alive) return;
    this.#become('stopping');
    this.#observer.withdrawn(this);
    const listener = this.#gone;
    this.#gone = null;
    listener?.();
  }

  kill(): Promise<ExitStatus> {
    this.withdraw();
    return this.#driver.kill();
  }

  /** Whether it and what it started hold more memory than the function was given. */
  exceedsMemory(): boolean {
    return this.#driver.holdsMoreThan(this.version.memoryMb * MIB);
  }

  memoryBytes(): Promise<number | null> {
    return this.#driver.memoryBytes();
  }

  log(requestId: string | null, text: string): void {
    this.#lines.line(requestId, text);
  }

  listen(requestId: string, listener: LineListener): () => void {
    return this.#lines.listen(requestId, listener);
  }

  onGone(listener: () => void): void {
    if (this.alive) this.#gone = listener;
    else listener();
  }

  #become(next: InstanceState): void {
    if (this.#state === next) return;
    if (!mayBecome(this.#state, next)) throw new Error(`instance ${this.id}: ${this.#state} can't become ${next}`);
    if (this.#state === 'busy' && (next === 'stopping' || next === 'gone')) this.lostAtWork = true;
    this.#state = next;
  }
}
