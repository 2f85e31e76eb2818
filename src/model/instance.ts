/** The rung of the ladder of starts that a cold start began on, lowest first. */
export type Rung = 'disk' | 'zygote' | 'snapshot';

/**
 * The life of an instance. `starting` -> `busy` | `idle` <-> `busy`; `idle` <-> `paused` (stopped, uses no CPU);
 * anything -> `stopping` -> `gone`.
 */
export type InstanceState = 'starting' | 'idle' | 'busy' | 'paused' | 'stopping' | 'gone';

const NEXT: Readonly<Record<InstanceState, readonly InstanceState[]>> = {
  starting: ['idle', 'busy', 'stopping', 'gone'],
  idle: ['busy', 'paused', 'stopping', 'gone'],
  busy: ['idle', 'stopping', 'gone'],
  paused: ['idle', 'busy', 'stopping', 'gone'],
  stopping: ['gone'],
  gone: [],
};

/** Whether an instance may go from one state to another. */
export function mayBecome(from: InstanceState, to: InstanceState): boolean {
  return NEXT[from].includes(to);
}

/** How a process ended: by itself with a code, or by a signal. Both null when only its absence is known. */
export interface ExitStatus {
  readonly code: number | null;
  readonly signal: string | null;
}

/** The same with what who reaped it knows beside. */
export interface Reaped extends ExitStatus {
  /** Most memory it ever held, private and shared pages, bytes. */
  readonly peakMemoryBytes?: number;
}

/** What an init phase took and left behind. */
export interface InitReport {
  /** The whole init phase, milliseconds: from the process having a runtime to the handler being found. */
  readonly durationMs: number;
  /** The slowest modules first, at most ten: their own import time in milliseconds, children included. */
  readonly slowestModules: readonly { readonly name: string; readonly ms: number }[];
  /** Why the process can't be forked, in words for its author; null when it can. */
  readonly unforkable: string | null;
}
