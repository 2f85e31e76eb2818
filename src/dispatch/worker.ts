import type { Answer } from '../fleet/driver.ts';
import type { FunctionVersion } from '../model/function-version.ts';
import type { ExitStatus, InitReport, Rung } from '../model/instance.ts';
import type { Invocation } from '../model/invocation.ts';
import type { StartReason, Step } from '../model/waterfall.ts';

/** How an instance came to be; what its first invocation is told and billed. */
export interface StartReport {
  readonly rung: Rung;
  /** From the order to the instance being ready, milliseconds. */
  readonly startMs: number;
  /** The init phase this start had to wait for; null when it was forked from a snapshot that was there. */
  readonly init: InitReport | null;
  /** Whether it ran for this start alone: of several that waited for one init phase, one is billed. */
  readonly initBilled: boolean;
  /** When it was ordered, on the monotonic clock. */
  readonly orderedAtMs: number;
  /** What was gone through from then on, on the same clock. */
  readonly steps: readonly Step[];
  /** Why it did not begin on a better rung. Asked by the one invocation that waited for it. */
  readonly reason: () => StartReason;
}

/** Receives the lines of one invocation while it runs; for the log tail. */
export type LineListener = (text: string) => void;

/** An instance as dispatch sees it. */
export interface WorkerInstance {
  readonly id: string;
  readonly version: FunctionVersion;
  readonly start: StartReport;
  /** False once it ended, is being ended or was withdrawn; it is then never offered work. */
  readonly alive: boolean;
  invoke(invocation: Invocation, deadlineMs: number): Promise<Answer>;
  /** Takes it out of service: it is offered no more work, and what it does goes on until `kill`, which whoever withdraws it must call. Idempotent. */
  withdraw(): void;
  /** Ends it with everything it started; resolves when all is gone. Idempotent. */
  kill(): Promise<ExitStatus>;
  /** Work is about to be handed over: must come before `invoke`. */
  busy(): void;
  /** Nothing is in flight and nothing waits. The worker may stop or end the instance from now on. */
  idle(): void;
  /** Writes a line to the instance's log stream. */
  log(requestId: string | null, text: string): void;
  /** Listens to the lines of one invocation; returns the way to stop. */
  listen(requestId: string, listener: LineListener): () => void;
  /** Called once, when the instance is no longer to be used. */
  onGone(listener: () => void): void;
}

/** Whether one more instance may be started now. `later`: starts under way must end first; `refused`: it needs a snapshot, and as many are being made as may be. */
export type Admission = 'now' | 'later' | 'full' | 'refused';

/** Where instances run: the fleet of this machine, or one of a cluster. */
export interface Worker {
  admit(version: FunctionVersion): Admission;
  /** Somebody is about to call: what the version keeps is kept as if the call had come. */
  expect(version: FunctionVersion): void;
  /** Whether ending an instance, and others of its version as they free, would make room for one of a version for which the machine is full. */
  makesRoom(instance: WorkerInstance, version: FunctionVersion): boolean;
  /** Starts one instance. Rejects with InitFailure (the function's doing) or HearthError (ours). */
  start(version: FunctionVersion): Promise<WorkerInstance>;
  /** Tells that an answer of `admit` may have changed for the better. */
  onRoom(listener: () => void): void;
}
