import type { FunctionVersion } from '../model/function-version.ts';
import type { UsageRecord } from '../model/usage.ts';

/** What the control plane keeps of functions. All writes are durable when the promise resolves. */
export interface FunctionStore {
  /** Every version of every function, for the server to load at its start. */
  all(): Promise<FunctionVersion[]>;
  /** Stores a new function's `$LATEST`. Throws HearthError ResourceConflictException when the name is taken. */
  create(version: FunctionVersion): Promise<void>;
  /**
   * Replaces `$LATEST` when its revision still is `expectedRevisionId`; throws PreconditionFailedException when it is
   * another one, ResourceNotFoundException when the function is gone.
   */
  replaceLatest(version: FunctionVersion, expectedRevisionId: string): Promise<void>;
  /** Stores a numbered version of a function that is there; throws ResourceNotFoundException when it is gone. */
  publish(version: FunctionVersion): Promise<void>;
  /** Removes a numbered version; false when there was none. */
  removeVersion(functionId: string, version: string): Promise<boolean>;
  /** Removes a function with all its versions; false when there was none. Its usage stays. */
  remove(functionId: string): Promise<boolean>;
}

/** One of Lambda's lesser resources: an alias, a policy, a version of a layer. */
export interface StoredResource {
  readonly accountId: string;
  readonly region: string;
  /** `alias`, `policy`, `layer-version`… */
  readonly kind: string;
  /** Unique among those of its kind. */
  readonly key: string;
  /** The function that it goes with, or null. */
  readonly functionId: string | null;
  /** JSON. */
  readonly document: unknown;
}

export interface ResourceStore {
  all(): Promise<StoredResource[]>;
  /** Writes one, over what was there. Throws ResourceNotFoundException when its function is gone. */
  put(resource: StoredResource): Promise<void>;
  /** Removes one; false when there was none. */
  remove(resource: Omit<StoredResource, 'document' | 'functionId'>): Promise<boolean>;
}

/** Sums over a set of usage records. */
export interface UsageTotals {
  readonly functionName: string;
  readonly invocations: number;
  readonly errors: number;
  readonly coldStarts: number;
  readonly billedMs: number;
  /** Exact decimal, as text: sum of billed seconds times memory in GB (1024 MB). */
  readonly gbSeconds: string;
  readonly bytesIn: number;
  readonly bytesOut: number;
  /** First and last start in the set, milliseconds since the epoch. */
  readonly firstAtMs: number;
  readonly lastAtMs: number;
}

export interface UsageStore {
  /** Appends a batch in one statement; a record whose (requestId, attempt) is there already is ignored. */
  append(records: readonly UsageRecord[]): Promise<void>;
  /** Totals by function, of starts in [fromMs, toMs). */
  totals(query: { readonly fromMs: number; readonly toMs: number; readonly functionName?: string }): Promise<UsageTotals[]>;
  /** The newest records first; `coldOnly`: of invocations that waited for a start. */
  recent(query: { readonly functionName?: string; readonly limit: number; readonly coldOnly?: boolean }): Promise<UsageRecord[]>;
  /** The records of one invocation, the first attempt first; none when it is not known. */
  attempts(requestId: string): Promise<UsageRecord[]>;
}

/** The state of one Hearth, in PostgreSQL. Holds the advisory lock that keeps a second server out until `close`. */
export interface Store {
  readonly functions: FunctionStore;
  readonly resources: ResourceStore;
  readonly usage: UsageStore;
  close(): Promise<void>;
}
