import { HearthError } from '../errors.ts';
import { Decimal } from '../lib/decimal.ts';
import type { FunctionVersion } from '../model/function-version.ts';
import type { UsageRecord } from '../model/usage.ts';
import { freezeDeep } from './function-document.ts';
import { gone, nameTaken, otherRevision } from './functions.ts';
import type { FunctionStore, ResourceStore, Store, StoredResource, UsageStore, UsageTotals } from './store.ts';

/** GB-seconds in one MB-millisecond, exactly: 1 / (1024 * 1000). */
const GB_SECONDS = Decimal.parse('0.0000009765625');

/** A store that forgets all when it is closed, for tests and the simulator. Same contract, same suite. */
export function memoryStore(): Store {
  return { functions: functions(), resources: resources(), usage: usage(), close: () => Promise.resolve() };
}

function functions(): FunctionStore {
  const versions = new Map<string, FunctionVersion>();
  const published = new Map<string, FunctionVersion>();
  const copy = (version: FunctionVersion): FunctionVersion => freezeDeep(structuredClone(version));
  const sameName = (a: FunctionVersion, b: FunctionVersion): boolean =>
    a.accountId === b.accountId && a.region === b.region && a.name === b.name;
  return {
    async all() {
      return [...versions.values(), ...published.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
    },
    async create(version) {
      if (versions.has(version.functionId) || [...versions.values()].some((other) => sameName(other, version)))
        throw nameTaken(version.name);
      versions.set(version.functionId, copy(version));
    },
    async replaceLatest(version, expectedRevisionId) {
      const present = versions.get(version.functionId);
      if (present === undefined) throw gone(version.name);
      if (present.revisionId !== expectedRevisionId) throw otherRevision();
      versions.set(version.functionId, copy(version));
    },
    async publish(version) {
      if (!versions.has(version.functionId)) throw gone(version.name);
      published.set(`${version.functionId}/${version.version}`, copy(version));
    },
    async removeVersion(functionId, version) {
      return published.delete(`${functionId}/${version}`);
    },
    async remove(functionId) {
      for (const [key, version] of published) if (version.functionId === functionId) published.delete(key);
      return versions.delete(functionId);
    },
  };
}

function resources(): ResourceStore {
  const kept = new Map<string, StoredResource>();
  const keyOf = (r: Omit<StoredResource, 'document' | 'functionId'>): string => JSON.stringify([r.accountId, r.region, r.kind, r.key]);
  return {
    async all() {
      return [...kept.values()];
    },
    async put(resource) {
      kept.set(keyOf(resource), structuredClone(resource));
    },
    async remove(resource) {
      return kept.delete(keyOf(resource));
    },
  };
}

function usage(): UsageStore {
  const records = new Map<string, UsageRecord>();
  const matching = (name: string | undefined): UsageRecord[] =>
    [...records.values()].filter((r) => name === undefined || r.functionName === name);
  return {
    async append(batch) {
      for (const record of batch) assertPossible(record);
      for (const record of batch) {
        const key = JSON.stringify([record.accountId, record.requestId, record.attempt]);
        if (!records.has(key)) records.set(key, Object.freeze({ ...record }));
      }
    },
    async totals({ fromMs, toMs, functionName }) {
      const within = matching(functionName).filter((r) => r.startedAtMs >= fromMs && r.startedAtMs < toMs);
      const names = [...new Set(within.map((r) => r.functionName))].sort((a, b) => (a < b ? -1 : 1));
      return names.map((name) =>
        sum(
          name,
          within.filter((r) => r.functionName === name),
        ),
      );
    },
    async recent({ functionName, limit, coldOnly }) {
      return matching(functionName)
        .filter((r) => coldOnly !== true || r.coldRung !== null)
        .sort((a, b) => b.startedAtMs - a.startedAtMs)
        .slice(0, limit);
    },
    async attempts(requestId) {
      return [...records.values()].filter((r) => r.requestId === requestId).sort((a, b) => a.attempt - b.attempt);
    },
  };
}

/** What a table's column would refuse. */
function assertPossible(record: UsageRecord): void {
  const counts = [record.attempt, record.billedMs, record.memoryMb, record.bytesIn, record.bytesOut];
  const times = [
    record.startedAtMs,
    record.durationMs,
    record.coldMs,
    record.memoryUsedMb,
    record.initMs ?? 0,
    record.queuedMs,
    record.handlerMs ?? 0,
  ];
  if (counts.every((n) => Number.isSafeInteger(n) && n >= 0) && times.every((n) => Number.isFinite(n))) return;
  throw new HearthError('InvalidParameterValueException', `A usage record can't be true: ${JSON.stringify(record)}`);
}

function sum(functionName: string, records: readonly UsageRecord[]): UsageTotals {
  const total = (pick: (r: UsageRecord) => number): number => records.reduce((all, r) => all + pick(r), 0);
  const starts = records.map((r) => r.startedAtMs);
  return {
    functionName,
    invocations: records.length,
    errors: records.filter((r) => r.outcome !== 'ok').length,
    coldStarts: records.filter((r) => r.coldRung !== null).length,
    billedMs: total((r) => r.billedMs),
    gbSeconds: Decimal.whole(total((r) => r.billedMs * r.memoryMb))
      .times(GB_SECONDS)
      .toString(),
    bytesIn: total((r) => r.bytesIn),
    bytesOut: total((r) => r.bytesOut),
    firstAtMs: starts.reduce((a, b) => Math.min(a, b)),
    lastAtMs: starts.reduce((a, b) => Math.max(a, b)),
  };
}
