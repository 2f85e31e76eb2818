import { deferred } from '../../lib/deferred.ts';
import type { FunctionVersion } from '../../model/function-version.ts';
import type { UsageRecord } from '../../model/usage.ts';
import type { Evicted, EvictTo, Occupancy, Platform, Preparation, Resident, Status, UsageQuery } from '../own/platform.ts';
import type { LogLine, LogQuery } from '../../observe/function-logs.ts';
import type { Lag } from '../../observe/lag.ts';

/** A platform that runs nothing and notes what it was asked. */
export class TestPlatform implements Platform {
  readonly prepared: FunctionVersion[] = [];
  readonly tried: FunctionVersion[] = [];
  /** How long the next trials take, one after the other; then 5. */
  readonly initMs: number[] = [];
  readonly evicted: [string, EvictTo][] = [];
  readonly usageQueries: UsageQuery[] = [];
  /** Names of functions that have usage. */
  used: readonly string[] = [];
  readonly past: LogLine[] = [];
  records: UsageRecord[] = [];
  readonly followers = new Set<(line: LogLine) => void>();
  initFails: Preparation['failure'] = null;
  /** Names of functions whose latest revision is still to take over. */
  taking: readonly string[] = [];
  #hanging: { readonly begun: () => void; readonly over: Promise<void> } | null = null;
  inheritedBytes: number | null = null;

  status(endpoint: string): Status {
    const memory = { totalBytes: 2, availableBytes: 1 };
    return {
      version: '0',
      pid: 1,
      startedAtMs: 0,
      home: '/h',
      endpoint,
      database: 'embedded',
      runtimes: [],
      sandbox: [],
      instances: 0,
      running: 0,
      drainMs: 10_000,
      memory,
    };
  }

  async lag(forMs: number): Promise<Lag> {
    return { overMs: forMs, p50Ms: 0, p99Ms: 1, maxMs: 2 };
  }

  occupancy(): Occupancy {
    return { instances: 0, resident: 'nothing', stay: null, shortfall: null };
  }

  async resident(): Promise<Resident> {
    return { instances: [], snapshots: [], plain: [], zygotes: [] };
  }

  async evict(version: FunctionVersion, to: EvictTo): Promise<Evicted> {
    this.evicted.push([version.name, to]);
    return { instances: 1, snapshots: 0, zygotes: 0 };
  }

  /** The next init phase hangs until it is told to end. */
  hang(): { readonly begun: Promise<void>; readonly end: () => void } {
    const [begun, over] = [deferred<void>(), deferred<void>()];
    this.#hanging = { begun: begun.resolve, over: over.promise };
    return { begun: begun.promise, end: over.resolve };
  }

  isTaking({ name }: FunctionVersion): boolean {
    return this.taking.includes(name);
  }

  async prepare(version: FunctionVersion): Promise<Preparation> {
    this.prepared.push(version);
    const hanging = this.#hanging;
    this.#hanging = null;
    hanging?.begun();
    await hanging?.over;
    const runs = version.snapshot === 'onDeploy' && this.initFails === null;
    return {
      init: runs ? { durationMs: 5, slowestModules: [], unforkable: null } : null,
      failure: this.initFails,
      inheritedBytes: this.inheritedBytes,
    };
  }

  async tryInit(version: FunctionVersion): Promise<Preparation> {
    this.tried.push(version);
    const durationMs = this.initMs.shift() ?? 5;
    const init = { durationMs, slowestModules: [{ name: 'heavy', ms: durationMs / 2 }], unforkable: null };
    return { init: this.initFails === null ? init : null, failure: this.initFails, inheritedBytes: this.inheritedBytes };
  }

  async logs(query: LogQuery): Promise<LogLine[]> {
    const lines = this.past.filter(
      (l) => (query.function === undefined || l.function === query.function) && l.timeMs >= (query.sinceMs ?? 0),
    );
    return query.tail === undefined ? lines : lines.slice(-query.tail);
  }

  followLogs(listener: (line: LogLine) => void): () => void {
    this.followers.add(listener);
    return () => this.followers.delete(listener);
  }

  /** Prints a line: kept, and told to who follows. */
  print(line: LogLine): void {
    this.past.push(line);
    for (const follower of this.followers) follower(line);
  }

  async usage(query: UsageQuery): Promise<{ functions: readonly unknown[] }> {
    this.usageQueries.push(query);
    return { functions: this.used.filter((name) => name === (query.functionName ?? name)).map((functionName) => ({ functionName })) };
  }

  async usageRecords(): Promise<UsageRecord[]> {
    return this.records;
  }

  async attempts(requestId: string): Promise<UsageRecord[]> {
    return this.records.filter((r) => r.requestId === requestId);
  }
}
