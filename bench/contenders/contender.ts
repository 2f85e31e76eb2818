import type { Target } from '../load/plan.ts';
import type { Releases } from '../releases.ts';

/** What every contender echoes. */
export const EVENT = { message: 'hello', count: 3, nested: { list: [1, 2, 3] } };

export interface Surroundings {
  readonly releases: Releases;
  /** A folder for its state and its log, which goes at the end. */
  readonly folder: string;
}

/** A contender that runs and has answered once. */
export interface Running {
  readonly target: Target;
  /** From starting its process to its first answer. */
  readonly startMs: number;
  /** From the first request to its answer, the process being up and the function not. */
  readonly firstCallMs: number;
  /** First calls again with nothing of the function resident, where it can be brought there without ending its process. */
  coldAgain?(rung: string): Promise<number>;
  stop(): Promise<void>;
}

/** Something that runs functions on one machine. */
export interface Contender {
  readonly name: string;
  readonly version: string;
  /**
   * What its cold start is. `process`: the function lives in the tool's own process, so from nothing to an answer is the process's
   * start. `call`: the tool stays and loads the function at its first call.
   */
  readonly cold: 'process' | 'call';
  /** The cold start in words. */
  readonly coldIs: string;
  /** What it does not do that others here do. */
  readonly lacks: string;
  start(surroundings: Surroundings): Promise<Running>;
}
