import type { Rung } from './instance.ts';

/**
 * What a stretch of an invocation was spent on. `queue`: waiting for an instance to be ordered; `place`: admission and getting a start ready;
 * `spawn`: a runtime from nothing; `rehearse`: it runs its own loop once, for all that will be forked
 * from it; `wait`: until the parent takes the fork order up; `fork`; `connect`, `confine`, `greet`: a child's first steps;
 * `setUp`: environment and search path; `import`: the modules that the handler's module loads; `userInit`: what else it does outside the handler;
 * `check`: whether the process may be forked; `restore`: the after-restore hooks of an instance that was forked; `freeze`: its heap is made
 * one that children can share; `handler`; `reply`: to the instance and back, without the handler.
 */
export type StepName =
  | 'queue'
  | 'place'
  | 'spawn'
  | 'rehearse'
  | 'wait'
  | 'fork'
  | 'connect'
  | 'confine'
  | 'greet'
  | 'setUp'
  | 'import'
  | 'userInit'
  | 'check'
  | 'freeze'
  | 'restore'
  | 'handler'
  | 'reply';

/** Which process a step belongs to: the runtime zygote, the function's snapshot, the instance; or none in particular. */
export type StepOf = 'invocation' | 'runtime' | 'snapshot' | 'instance';

/** One step. `atMs`: when it began, on the clock of whoever tells of it; in a waterfall, after the invocation came in. Milliseconds. */
export interface Step {
  readonly of: StepOf;
  readonly name: StepName;
  readonly atMs: number;
  readonly ms: number;
}

/** Why a start did not begin on a better rung. */
export type StartCause =
  /** Nothing of this version had been started before. */
  | 'first_use'
  /** A change of code or configuration came with a snapshot of its own to make. */
  | 'deployed'
  /** The snapshot was let go: unused for too long, its memory was needed, or somebody asked. */
  | 'evicted_idle'
  | 'evicted_memory'
  | 'evicted_asked'
  /** The snapshot's process ended by itself, or was killed. */
  | 'snapshot_lost'
  | 'snapshots_off'
  | 'unforkable'
  /** There is a snapshot, and all instances were busy. */
  | 'instances_busy'
  /** There is a snapshot, and no instance was alive. */
  | 'no_instance'
  /** There is a snapshot, and the last instance ended under its invocation: a timeout, a crash. */
  | 'instance_lost'
  /** It had been started before anybody asked. */
  | 'kept_ready'
  /** It never came to be; or the init phase had failed before, and there was no snapshot for that. */
  | 'init_failed';

/** Why, for programs and in words. */
export interface StartReason {
  readonly cause: StartCause;
  readonly text: string;
}

/** What is kept of a cold start beside its usage record. */
export interface ColdStart {
  readonly rung: Rung;
  readonly reason: StartReason;
  /** From the invocation coming in to the instance having it, in order of their beginning. */
  readonly steps: readonly Step[];
  /** Of the init phase that was waited for; none else. */
  readonly slowestModules: readonly { readonly name: string; readonly ms: number }[];
  /** Why the version can't be forked, or null. */
  readonly unforkable: string | null;
}
