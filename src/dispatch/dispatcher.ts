import { InitFailure, InstanceExited, type Answer } from '../fleet/driver.ts';
import type { Clock } from '../lib/clock.ts';
import type { FunctionVersion } from '../model/function-version.ts';
import type { Invocation, InvocationResult } from '../model/invocation.ts';
import type { UsageRecord, UsageSink } from '../model/usage.ts';
import { coldStart, failedStart } from './cold-start.ts';
import { Companions, type Company } from './companions.ts';
import { answered, broken, initFailed, timedOut, type Ending } from './ending.ts';
import { LogTail } from './log-tail.ts';
import { endLines, startLine } from './report.ts';
import { VersionQueue, type Place, type QueueLimits } from './version-queue.ts';
import type { Worker, WorkerInstance } from './worker.ts';

export interface DispatcherDeps {
  readonly worker: Worker;
  readonly clock: Clock;
  readonly usage: UsageSink;
  readonly limits: QueueLimits;
  /** What a duration is billed as, whole milliseconds; see metering/. */
  readonly billedMs: (durationMs: number, billedInitMs: number) => number;
}

/** The end of an invocation with what it cost. */
export interface Dispatched extends InvocationResult {
  readonly usage: UsageRecord;
}

/** What one run of a handler came to, before it is written down. */
interface Run {
  readonly ending: Ending;
  readonly answer: Answer | null;
  /** Most memory the instance ever held, as it said or who reaped it; null: nobody could tell. */
  readonly peakMemoryBytes: number | null;
  readonly startedAtMs: number;
  /** When it was handed to the instance, monotonic. */
  readonly from: number;
  readonly durationMs: number;
}

/** A revision that has retired is looked at so often, until what was begun with it is done. */
const RETIRE_LOOK_MS = 250;
const MIB = 1024 * 1024;

/** Brings invocations and instances together. Touches no database and parses no payload. */
export class Dispatcher {
  readonly #deps: DispatcherDeps;
  readonly #queues = new Map<string, VersionQueue>();
  /** The same by function: its versions share a limit. */
  readonly #ofFunction = new Map<string, Set<VersionQueue>>();
  /** Those that wait for the machine, in the order in which they began to. */
  readonly #blocked = new Set<VersionQueue>();
  readonly #companions = new Companions();
  #begun = 0;

  constructor(deps: DispatcherDeps) {
    this.#deps = deps;
    deps.worker.onRoom(() => this.#roomAgain());
  }

  /**
   * Runs one invocation to its end. Errors of the function are results; rejects with HearthError
   * TooManyRequestsException (a limit) or ServiceException (ours).
   */
  async invoke(version: FunctionVersion, invocation: Invocation, wantTail = false): Promise<Dispatched> {
    this.#begun++;
    const queue = this.#queue(version);
    let place: Place;
    try {
      place = queue.take() ?? (await queue.wait());
    } catch (error) {
      if (error instanceof InitFailure) return this.#initFailed(version, invocation, error);
      throw error;
    }
    const tail = wantTail ? new LogTail() : null;
    const stopListening = tail === null ? null : place.instance.listen(invocation.requestId, (line) => tail.add(line));
    const coldMs = place.cold ? this.#deps.clock.monotonic() - invocation.receivedAtMs : 0;
    const start = startLine(version, invocation.requestId, this.#deps.clock);
    if (start !== null) place.instance.log(invocation.requestId, start);
    let run: Run;
    try {
      run = await this.#run(place.instance, invocation);
    } catch (error) {
      queue.release(place.instance, 0);
      throw error;
    }
    const usage = this.#usage(place, invocation, run, coldMs);
    this.#deps.usage.record(usage);
    const logged = run.answer?.logged ?? null;
    if (logged === null) writeEnd(place.instance, usage, this.#deps.clock);
    queue.release(place.instance, run.durationMs);
    if (logged !== null) {
      const written = logged.then(() => writeEnd(place.instance, usage, this.#deps.clock));
      if (tail !== null) await written;
    }
    stopListening?.();
    return result(invocation, version, run.ending, tail, usage);
  }

  /** An invocation is on its way: see VersionQueue.expect. */
  expect(version: FunctionVersion): void {
    this.#queue(version).expect();
  }

  /** Invocations that were ever asked for. */
  get begun(): number {
    return this.#begun;
  }

  /** Invocations that run, or wait for an instance. */
  get running(): number {
    let sum = 0;
    for (const { depth } of this.#queues.values()) sum += depth.queued + depth.inFlight;
    return sum;
  }

  /** Forgets a revision that no longer serves, once it is empty: resolves then. */
  async retire(revisionId: string): Promise<void> {
    for (let queue = this.#queues.get(revisionId); queue !== undefined; queue = this.#queues.get(revisionId)) {
      const { queued, starting, inFlight } = queue.depth;
      if (queued + starting + inFlight === 0) this.#forget(revisionId, queue);
      else await new Promise<void>((resolve) => this.#deps.clock.after(RETIRE_LOOK_MS, resolve));
    }
  }

  /** Who has least comes first. */
  #roomAgain(): void {
    let waiting: VersionQueue[] | null = null;
    for (const queue of this.#queues.values()) if (queue.waiting) (waiting ??= []).push(queue);
    if (waiting === null) return;
    if (waiting.length > 1) waiting.sort((a, b) => a.rank - b.rank);
    for (const queue of waiting) queue.pump();
  }

  #queue(version: FunctionVersion): VersionQueue {
    let queue = this.#queues.get(version.revisionId);
    if (queue === undefined) {
      const made: VersionQueue = new VersionQueue(version, {
        ...this.#deps,
        elsewhere: () => this.#sharedBeside(made),
        blocked: this.#blocked,
      });
      queue = made;
      this.#queues.set(version.revisionId, made);
      const siblings = this.#ofFunction.get(version.functionId) ?? new Set();
      this.#ofFunction.set(version.functionId, siblings.add(made));
    }
    return queue;
  }

  #forget(revisionId: string, queue: VersionQueue): void {
    const { functionId } = queue.version;
    this.#queues.delete(revisionId);
    this.#blocked.delete(queue);
    const siblings = this.#ofFunction.get(functionId);
    siblings?.delete(queue);
    if (siblings?.size === 0) this.#ofFunction.delete(functionId);
  }

  /** What the other versions of a queue's function, and revisions of it that end, have taken of the concurrency that they share. */
  #sharedBeside(queue: VersionQueue): number {
    let sum = 0;
    for (const other of this.#ofFunction.get(queue.version.functionId) ?? []) if (other !== queue) sum += other.sharedPlaces;
    return sum;
  }

  async #run(instance: WorkerInstance, invocation: Invocation): Promise<Run> {
    const { clock } = this.#deps;
    const { timeoutMs } = instance.version;
    const startedAtMs = clock.now();
    const from = clock.monotonic();
    let late = false;
    // Most instances serve one at a time: they pay nothing for this.
    const company: Company | null = instance.version.scaling.concurrency > 1 ? this.#companions.join(instance, invocation) : null;
    const timer = clock.after(timeoutMs, () => {
      late = true;
      if (company === null) void instance.kill();
      else company.giveUp();
    });
    let ending: Ending;
    let answer: Answer | null = null;
    let peakMemoryBytes: number | null = null;
    try {
      const deadlineMs = startedAtMs + timeoutMs;
      answer = await (company === null ? instance.invoke(invocation, deadlineMs) : company.invoke(deadlineMs));
      ending = answer === null ? timedOut(invocation.requestId, timeoutMs) : answered(answer);
    } catch (error) {
      ending = late ? timedOut(invocation.requestId, timeoutMs) : broken(invocation.requestId, error);
      if (error instanceof InstanceExited) ({ peakMemoryBytes } = error);
    } finally {
      timer.cancel();
      company?.leave();
    }
    const durationMs = late ? timeoutMs : clock.monotonic() - from;
    return { ending, answer, peakMemoryBytes: answer?.peakMemoryBytes ?? peakMemoryBytes, startedAtMs, from, durationMs };
  }

  #usage(place: Place, invocation: Invocation, run: Run, coldMs: number): UsageRecord {
    const { version, start, id } = place.instance;
    const init = place.cold ? start.init : null;
    const initBilled = place.cold && place.first && start.initBilled;
    // Where nobody could tell what it used, what it was allowed is what is known.
    const peakMb = run.peakMemoryBytes === null ? version.memoryMb : Math.ceil(run.peakMemoryBytes / MIB);
    return {
      requestId: invocation.requestId,
      attempt: invocation.attempt,
      accountId: version.accountId,
      functionId: version.functionId,
      functionName: version.name,
      version: version.version,
      revisionId: version.revisionId,
      instanceId: id,
      startedAtMs: run.startedAtMs,
      durationMs: run.durationMs,
      billedMs: this.#deps.billedMs(run.durationMs, initBilled ? (init?.durationMs ?? 0) : 0),
      initMs: init?.durationMs ?? null,
      initBilled,
      memoryMb: version.memoryMb,
      memoryUsedMb: Math.min(peakMb, version.memoryMb),
      coldRung: place.cold ? start.rung : null,
      coldMs,
      bytesIn: invocation.body.length,
      bytesOut: run.ending.body.length + (invocation.sink?.bytes ?? 0),
      outcome: run.ending.outcome,
      queuedMs: run.from - invocation.receivedAtMs,
      handlerMs: run.answer?.handlerMs ?? null,
      start: place.cold ? coldStart(start, invocation.receivedAtMs) : null,
    };
  }

  #initFailed(version: FunctionVersion, invocation: Invocation, failure: InitFailure): Dispatched {
    const ending = initFailed(invocation.requestId, failure);
    const coldMs = this.#deps.clock.monotonic() - invocation.receivedAtMs;
    const usage: UsageRecord = {
      requestId: invocation.requestId,
      attempt: invocation.attempt,
      accountId: version.accountId,
      functionId: version.functionId,
      functionName: version.name,
      version: version.version,
      revisionId: version.revisionId,
      instanceId: '',
      startedAtMs: this.#deps.clock.now(),
      durationMs: 0,
      billedMs: this.#deps.billedMs(0, failure.billed ? failure.durationMs : 0),
      initMs: failure.durationMs,
      initBilled: failure.billed,
      memoryMb: version.memoryMb,
      memoryUsedMb: 0,
      coldRung: failure.rung,
      coldMs,
      bytesIn: invocation.body.length,
      bytesOut: ending.body.length,
      outcome: ending.outcome,
      queuedMs: coldMs,
      handlerMs: null,
      start: failedStart(failure, invocation.receivedAtMs, coldMs),
    };
    this.#deps.usage.record(usage);
    return result(invocation, version, ending, null, usage);
  }
}

/** What the platform says at the end comes after all that the handler printed; the caller of a plain invocation does not wait for them. */
function writeEnd(instance: WorkerInstance, usage: UsageRecord, clock: Clock): void {
  for (const line of endLines(instance.version, usage, clock)) instance.log(usage.requestId, line);
}

// eslint-disable-next-line max-params -- the parts of one answer
function result(invocation: Invocation, version: FunctionVersion, ending: Ending, tail: LogTail | null, usage: UsageRecord): Dispatched {
  return {
    body: ending.body,
    error: ending.errorType === null ? null : { kind: 'Unhandled', errorType: ending.errorType },
    executedVersion: version.version,
    requestId: invocation.requestId,
    logTail: tail?.bytes() ?? null,
    usage,
  };
}
