import type { FunctionVersion, Scaling } from '../../model/function-version.ts';
import type { InitReport, InstanceState, Rung } from '../../model/instance.ts';
import type { UsageRecord } from '../../model/usage.ts';
import type { LogLine, LogQuery } from '../../observe/function-logs.ts';
import type { Lag } from '../../observe/lag.ts';

/** `GET /hearth/v1/status` */
export interface Status {
  readonly version: string;
  readonly pid: number;
  readonly startedAtMs: number;
  readonly home: string;
  readonly endpoint: string;
  readonly database: 'embedded' | 'external';
  readonly runtimes: readonly { readonly name: string; readonly language: string; readonly path: string; readonly version: string }[];
  readonly sandbox: readonly { readonly mechanism: string; readonly active: boolean; readonly reason: string | null }[];
  readonly instances: number;
  /** Invocations that run, or wait for an instance. */
  readonly running: number;
  /** How long they have to end when the server is told to. */
  readonly drainMs: number;
  readonly memory: { readonly totalBytes: number; readonly availableBytes: number };
}

export interface InstanceSummary {
  readonly id: string;
  readonly function: string;
  readonly version: string;
  readonly revisionId: string;
  readonly pid: number | null;
  readonly state: InstanceState;
  readonly rung: Rung;
  readonly startedAtMs: number;
  readonly idleSinceMs: number | null;
  readonly invocations: number;
  readonly memoryBytes: number | null;
}

export interface SnapshotSummary {
  readonly function: string;
  readonly version: string;
  readonly revisionId: string;
  readonly pid: number;
  readonly madeAtMs: number;
  readonly initMs: number;
  readonly memoryBytes: number | null;
  readonly starts: number;
  /** Children that did not come up and were replaced, before any caller saw them; since the server was started. */
  readonly failedForks: number;
}

/** A version whose instances are started the plain way, each with its own init phase. */
export interface PlainSummary {
  readonly function: string;
  readonly version: string;
  readonly revisionId: string;
  readonly reason: string;
  readonly failedForks: number;
}

/** `GET /hearth/v1/instances`: all that is resident. */
export interface Resident {
  readonly instances: readonly InstanceSummary[];
  readonly snapshots: readonly SnapshotSummary[];
  readonly plain: readonly PlainSummary[];
  readonly zygotes: readonly { readonly runtime: string; readonly pid: number; readonly memoryBytes: number | null }[];
}

/** What of a version is resident: nothing, a snapshot, or it was found that it can only be started plainly. */
export interface Occupancy {
  readonly instances: number;
  readonly resident: 'nothing' | 'snapshot' | 'plain';
  /** Until when and why it stays so; null when the revision does not serve. */
  readonly stay: StayReport | null;
  /** Why there are fewer instances than its minimum; null while there are, or they are being started for the first time. */
  readonly shortfall: { /** Whether its init phase fails. */ readonly init: boolean; readonly message: string } | null;
}

/** What is to become of what a function keeps. Times in milliseconds since the epoch. */
interface StayReport {
  /** `busy`: in use. `here`: kept. `away`: gone until it is due. `back`: kept again, since a call is expected. `over`: gone. */
  readonly phase: 'busy' | 'here' | 'away' | 'back' | 'over';
  readonly snapshotUntilMs: number | null;
  /** Of the instance that fell idle last. */
  readonly instancesUntilMs: number | null;
  /** When it is made again without being asked for. */
  readonly backAtMs: number | null;
  /** The policy, and what it decided from. */
  readonly why: string;
}

/** What came of making a version ready at its deployment. */
export interface Preparation {
  /** The report of its init phase; null when none was run, or it failed. */
  readonly init: InitReport | null;
  /** How the function's init phase failed, as its first invocation would be told, or why it could not take over; else null. */
  readonly failure: {
    readonly errorType: string;
    readonly errorMessage: string;
    /** Whether the change was undone for it, because the revision before it works. */
    readonly undone?: boolean;
  } | null;
  /** What every instance holds before it has done anything; null where there is no snapshot, or that can't be told. */
  readonly inheritedBytes: number | null;
}

/** How far down the ladder `evict` goes: what is named stays. */
export type EvictTo = 'snapshot' | 'zygote' | 'disk';

/** How many of each `evict` ended. */
export interface Evicted {
  readonly instances: number;
  readonly snapshots: number;
  readonly zygotes: number;
}

export interface UsageQuery {
  readonly functionName?: string;
  /** Null: since the first invocation. */
  readonly fromMs: number | null;
  readonly toMs: number;
}

/** One function as `GET /hearth/v1/functions` lists it. */
export interface FunctionSummary extends Occupancy {
  readonly name: string;
  readonly version: string;
  readonly revisionId: string;
  readonly runtime: string;
  readonly handler: string;
  readonly memoryMb: number;
  readonly timeoutMs: number;
  readonly modifiedAtMs: number;
  readonly codeBytes: number;
  readonly scaling: Scaling;
  readonly snapshot: string;
  readonly url: string | null;
}

/** What Hearth's own API needs of the running system; the composition root satisfies it. */
export interface Platform {
  /** `endpoint` is how the caller reached this server. */
  status(endpoint: string): Status;
  /** Watches for so long how late the server's event loop is. */
  lag(forMs: number): Promise<Lag>;
  occupancy(version: FunctionVersion): Occupancy;
  /** All that is resident, or of one function. */
  resident(functionName: string | null): Promise<Resident>;
  /** Ends what a version keeps resident above a rung; busy instances stay. */
  evict(version: FunctionVersion, to: EvictTo): Promise<Evicted>;
  /**
   * Makes a version's snapshot if it asks for one at deployment and has none. Rejects with HearthError when that could not be tried;
   * the function's own failure is a result, and so is whatever undid a change. One that is still taking over then is tried again by the next server: this one ends.
   */
  prepare(version: FunctionVersion): Promise<Preparation>;
  /** Whether a version is being tried, and takes over from one that works if its init phase runs. */
  isTaking(version: FunctionVersion): boolean;
  /** Runs the init phase of a version that need not serve, and leaves nothing of it. As `prepare`. */
  tryInit(version: FunctionVersion): Promise<Preparation>;
  /** Lines that are there, oldest first. */
  logs(query: LogQuery): Promise<readonly LogLine[]>;
  /** Calls a listener with every line of every function that arrives from now on; returns the way to stop. */
  followLogs(listener: (line: LogLine) => void): () => void;
  /** The usage report as docs/reference/own-api.md describes it; `functions`: those that were used. */
  usage(query: UsageQuery): Promise<{ readonly functions: readonly unknown[] }>;
  /** Newest first; `coldOnly`: of invocations that waited for a start. */
  usageRecords(query: {
    readonly functionName?: string;
    readonly limit: number;
    readonly coldOnly?: boolean;
  }): Promise<readonly UsageRecord[]>;
  /** The records of one invocation that has ended, the first attempt first. */
  attempts(requestId: string): Promise<readonly UsageRecord[]>;
}
