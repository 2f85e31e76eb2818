import type { Scaling } from '../model/function-version.ts';
import type { InitReport, InstanceState, Rung } from '../model/instance.ts';
import type { TriggerStatus } from '../model/trigger-record.ts';
import type { UsageRecord } from '../model/usage.ts';
import type { StartReason, Step } from '../model/waterfall.ts';

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

/** `GET /hearth/v1/lag`: how late the server's event loop was, over a time. */
export interface Lag {
  readonly overMs: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
}

/** One function as `GET /hearth/v1/functions` lists it. */
export interface FunctionSummary {
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
  readonly instances: number;
  readonly resident: 'nothing' | 'snapshot' | 'plain';
  /** Until when and why; null when the revision does not serve, or the server is of before there was this. */
  readonly stay?: {
    readonly phase: 'busy' | 'here' | 'away' | 'back' | 'over';
    readonly snapshotUntilMs: number | null;
    readonly instancesUntilMs: number | null;
    readonly backAtMs: number | null;
    readonly why: string;
  } | null;
}

interface InstanceSummary {
  readonly id: string;
  readonly function: string;
  readonly version: string;
  readonly revisionId: string;
  readonly pid: number;
  readonly state: InstanceState;
  readonly rung: Rung;
  readonly startedAtMs: number;
  readonly idleSinceMs: number | null;
  readonly invocations: number;
  readonly memoryBytes: number;
}

interface SnapshotSummary {
  readonly function: string;
  readonly version: string;
  readonly revisionId: string;
  readonly pid: number;
  readonly madeAtMs: number;
  readonly initMs: number;
  readonly memoryBytes: number;
  readonly starts: number;
  /** Children that did not come up and were replaced, before any caller saw them; since the server was started. */
  readonly failedForks: number;
}

/** A version whose instances are started the plain way, each with its own init phase. */
interface PlainSummary {
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
  readonly zygotes: readonly { readonly runtime: string; readonly pid: number; readonly memoryBytes: number }[];
}

/** How many of each `evict` ended. */
export interface Evicted {
  readonly instances: number;
  readonly snapshots: number;
  readonly zygotes: number;
}

/** How far down the ladder `evict` goes; what is named stays. */
export type EvictTo = 'snapshot' | 'zygote' | 'disk';

/** The end of a deployment that worked. */
/** The file that a function was deployed from, and the machine on which it lies. */
export interface DeployedFrom {
  readonly host: string;
  /** Absolute path. */
  readonly file: string;
}

export interface Deployed {
  /** Destinations that it names and that are not there; a server before this was told of says nothing. */
  readonly missing?: readonly { readonly at: string; readonly kind: 'function' | 'queue' | 'bucket'; readonly name: string }[];
  readonly functionName: string;
  readonly version: string;
  readonly revisionId: string;
  readonly functionArn: string;
  readonly created: boolean;
  readonly unchanged: boolean;
  readonly url: string | null;
  readonly warnings: readonly string[];
  readonly init: InitReport | null;
  /** How its init phase failed, and will in every invocation: deployed all the same, since it is new or did not work before. Null: it did not. */
  readonly initError: { readonly errorType: string; readonly errorMessage: string } | null;
  /** The file that it was deployed from before, where that is another one than now. Null: it is not, or it is not known. */
  readonly before: DeployedFrom | null;
}

/** One trigger as `GET /hearth/v1/triggers` lists it. */
export interface TriggerSummary extends TriggerStatus {
  readonly id: string;
  readonly function: string;
  readonly kind: string;
  readonly configuration: unknown;
}

export interface LogLine {
  readonly timeMs: number;
  readonly function: string;
  /** `stdout`, `stderr` or `platform`. */
  readonly stream: string;
  readonly requestId: string | null;
  readonly text: string;
}

interface UsageRow {
  readonly functionName: string;
  readonly invocations: number;
  readonly errors: number;
  readonly coldStarts: number;
  readonly billedMs: number;
  /** Exact decimals as text, as are all costs. */
  readonly gbSeconds: string;
  readonly bytesIn: number;
  readonly bytesOut: number;
  readonly cost: string;
}

/** `GET /hearth/v1/usage` */
export interface Usage {
  readonly from: number;
  readonly to: number;
  readonly functions: readonly UsageRow[];
  readonly total: Omit<UsageRow, 'functionName'>;
  readonly alwaysOn: { readonly hours: number | string; readonly costPerHour: string; readonly cost: string };
  readonly currency: string;
}

/** `GET /hearth/v1/invocations/REQUEST_ID`: the usage record, and where the time went. */
export interface Explanation extends Omit<UsageRecord, 'start'> {
  readonly attempts: number;
  readonly totalMs: number;
  readonly waterfall: readonly Step[];
  readonly reason: StartReason | null;
  readonly slowestModules: readonly { readonly name: string; readonly ms: number }[];
  readonly advice: readonly { readonly code: string; readonly text: string; readonly savesMs: number | null }[];
}

export type { Step, UsageRecord };
