import { errorType as plainType } from '../model/error-document.ts';
import type { FunctionVersion } from '../model/function-version.ts';
import type { ExitStatus, InitReport, Rung } from '../model/instance.ts';
import type { Invocation } from '../model/invocation.ts';
import type { Step } from '../model/waterfall.ts';

/** Where an instance's output goes, line by line. Called in order; must not throw. */
export interface LogSink {
  /** `requestId` is null for what was printed outside an invocation, or when several run at once and it can't be told. */
  line(requestId: string | null, text: string): void;
}

/** All that a driver needs to run a version. */
export interface StartSpec {
  readonly version: FunctionVersion;
  /** The unpacked code (LAMBDA_TASK_ROOT); read-only for the function. */
  readonly taskRoot: string;
  /** Installed dependencies (`node_modules` or `python` within), or null. */
  readonly dependencyRoot: string | null;
  /** What a function's layers have, merged: Lambda's /opt; or null. */
  readonly layersRoot?: string | null;
  /** The complete environment of the process; nothing of the server's own is added. */
  readonly environment: Readonly<Record<string, string>>;
  /** Most that the init phase may take, milliseconds; then InitFailure `Sandbox.Timedout`. */
  readonly initTimeoutMs: number;
  /** Whether an invocation waits for this start. When none does, time that makes later starts better is well spent. */
  readonly onDemand: boolean;
  /** Told, as soon as a process runs the init phase, how to read what it has used of the processors so far, with what it started: milliseconds; null: that can't be told. */
  readonly initRuns?: (cpuMs: () => number | null) => void;
}

/** What is particular to one instance. */
export interface InstanceSpec {
  readonly instanceId: string;
  /** Lambda's log stream name, `2026/11/22/[$LATEST]8f3…`; the instance sees it as AWS_LAMBDA_LOG_STREAM_NAME. */
  readonly logStream: string;
  readonly log: LogSink;
}

/** How an invocation ended inside the instance. */
export interface Answer {
  /** Null when the handler returned; else the error's type, and the body is Lambda's error document. */
  readonly errorType: string | null;
  readonly body: Buffer;
  /** Time in the handler as the instance measured it, milliseconds. */
  readonly handlerMs: number;
  /** Most memory the instance ever held so far, private and shared pages, bytes. */
  readonly peakMemoryBytes: number;
  /** Settles when everything printed during the invocation has reached the LogSink; never rejects. Null: it has already. */
  readonly logged: Promise<void> | null;
}

/**
 * A running instance. The driver promises: `exited` settles exactly once, after the last log line; every pending
 * `invoke` rejects with InstanceExited before that. Calling anything after the end is harmless.
 */
export interface DriverInstance {
  readonly pid: number | null;
  /** The rung it was started from. */
  readonly rung: Rung;
  /** The init phase this very start ran, or null when it was forked after it. */
  readonly init: InitReport | null;
  /** How this very process came to be, in order, on the monotonic clock. */
  readonly steps: readonly Step[];
  /** Hands over one invocation; as many at once as the version's `concurrency`. Rejects only with InstanceExited. */
  invoke(invocation: Invocation, deadlineMs: number): Promise<Answer>;
  /** Stops the instance's processes: it uses no CPU until `resume`, but for giving back once what its calls needed. Only while nothing is in flight. */
  pause(): void;
  resume(): void;
  /** Private and proportional pages of the instance in bytes, for admission; null when gone. */
  memoryBytes(): Promise<number | null>;
  /**
   * Whether the instance and what it started hold more memory than so many bytes: its own pages, private and shared, and what each of the others has for
   * itself. Asked again and again while it works, so it has to be cheap. False where that can't be told, and once it is gone.
   */
  holdsMoreThan(bytes: number): boolean;
  /** Kills the instance and everything it started. Idempotent; resolves when all is gone. */
  kill(): Promise<ExitStatus>;
  /**
   * Settles once, as soon as it takes no more work: it has ended, or is about to by its own doing. Before a pending `invoke` is told of that, and before
   * `exited` by whatever it takes to tidy up; never rejects.
   */
  readonly ending: Promise<void>;
  readonly exited: Promise<ExitStatus>;
}

/** An initialised parent from which instances are forked. Outlived by them. */
export interface DriverSnapshot {
  readonly pid: number;
  /** The rung its making began on. */
  readonly rung: Rung;
  readonly init: InitReport;
  /** How it came to be, in order, on the monotonic clock. */
  readonly steps: readonly Step[];
  memoryBytes(): Promise<number | null>;
  /** What an instance of it holds before it has done anything: the parent's pages that are in no file. Null when that can't be told. */
  inheritedBytes(): number | null;
  /** Ends the parent; instances already forked live on. Idempotent. */
  evict(): Promise<void>;
  /** Settles when the parent has ended, for whatever reason. */
  readonly gone: Promise<void>;
}

/** Running the init phase gives a parent to fork from or, where forking is not safe, an instance that is already serving. */
export type Prepared =
  | { readonly kind: 'snapshot'; readonly snapshot: DriverSnapshot }
  | {
      readonly kind: 'instance';
      readonly instance: DriverInstance;
      readonly reason: string;
      /** The reason is the machine's and may pass: a snapshot is worth another try later. Absent: it will not. */
      readonly passing?: boolean;
    };

/** A runtime zygote. */
export interface ResidentRuntime {
  /** Lambda's name: `nodejs20.x`. */
  readonly runtime: string;
  readonly pid: number;
  readonly memoryBytes: number | null;
}

/**
 * Runs instances of some runtimes. Owned by the fleet, which serialises nothing: a driver must bear any number of
 * calls at once. Errors: InitFailure (the function's doing), HearthError ServiceException (ours).
 */
export interface Driver {
  readonly name: string;
  /** Whether this driver runs the runtime on this machine. */
  supports(runtime: string): boolean;
  /** Why a version can never be forked here (its runtime, the platform), or null when it may be tried. */
  unforkable(runtime: string): string | null;
  /** Runs the version's init phase once. If it can't be forked, the process becomes instance `first`. */
  prepare(spec: StartSpec, first: InstanceSpec): Promise<Prepared>;
  /** Starts one instance by forking the snapshot. Rejects when the snapshot is gone or the child did not greet in time. */
  fork(snapshot: DriverSnapshot, instance: InstanceSpec): Promise<DriverInstance>;
  /** Starts one instance that runs its own init phase. */
  start(spec: StartSpec, instance: InstanceSpec): Promise<DriverInstance>;
  /** What is resident for no version in particular: runtime zygotes. */
  runtimes(): Promise<readonly ResidentRuntime[]>;
  /** Drops it; how many there were. */
  evictRuntimes(): Promise<number>;
  /** Ends every process the driver started. Idempotent. */
  close(): Promise<void>;
}

/** The init phase failed by the function's own doing: what the first invocation is answered with. */
export class InitFailure extends Error {
  /**
   * `Runtime.ImportModuleError`, `Runtime.HandlerNotFound`, `Runtime.ExitError`, `Sandbox.Timedout`, `Runtime.BeforeSnapshotError` or
   * `Runtime.AfterRestoreError` of a SnapStart hook (the document is of what the hook threw), or the thrown error's name.
   */
  readonly errorType: string;
  /** Lambda's error document as JSON bytes. */
  readonly body: Buffer;
  /** How long init ran, milliseconds. */
  readonly durationMs: number;
  /** Where the start began, and what was gone through before the init phase, on the monotonic clock: noted by who knows it. */
  rung: Rung = 'zygote';
  steps: readonly Step[] = [];
  /** Whether it ran for who is told: of several that waited for one init phase, one pays. */
  billed = true;

  constructor(errorType: string, body: Buffer, durationMs: number) {
    const type = plainType(errorType);
    super(`init failed: ${type}`);
    this.name = 'InitFailure';
    this.errorType = type;
    this.body = body;
    this.durationMs = durationMs;
  }

  /** The same, for who waited for an init phase that ran for another. */
  shared(): InitFailure {
    const failure = new InitFailure(this.errorType, this.body, this.durationMs);
    return Object.assign(failure, { rung: this.rung, steps: this.steps, billed: false });
  }
}

/** The instance ended while an invocation was in flight. */
export class InstanceExited extends Error {
  readonly status: ExitStatus;
  /** Most memory the instance ever held; null when nobody could tell. */
  readonly peakMemoryBytes: number | null;

  constructor({ code, signal, peakMemoryBytes = null }: ExitStatus & { readonly peakMemoryBytes?: number | null }) {
    super(`instance exited: ${signal ?? code ?? 'unknown'}`);
    this.name = 'InstanceExited';
    this.status = { code, signal };
    this.peakMemoryBytes = peakMemoryBytes;
  }
}
