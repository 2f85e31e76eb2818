import type { Events } from '../control/own/events.ts';
import type { Resources } from '../control/resources.ts';
import type { FunctionRegistry } from '../control/registry.ts';
import type { Dispatcher } from '../dispatch/dispatcher.ts';
import { HearthError } from '../errors.ts';
import type { Directory } from '../gateway/directory.ts';
import type { Timer } from '../lib/clock.ts';
import { eventInvokeConfig } from '../model/event-invoke-config.ts';
import type { FunctionVersion } from '../model/function-version.ts';
import type { DatabaseStore } from '../store/postgres-store.ts';
import { DeliveryRunner } from '../triggers/ledger/delivery-runner.ts';
import type { FunctionLookup } from '../triggers/ledger/function-target.ts';
import { outcomesOf } from '../triggers/ledger/outcomes.ts';
import { targets } from '../triggers/ledger/target.ts';
import type { Base } from './base.ts';

export interface EventParts {
  readonly store: DatabaseStore;
  readonly dispatcher: Dispatcher;
  readonly registry: FunctionRegistry;
  /** What is run of a function. */
  readonly serving: Pick<Directory, 'resolve'>;
  readonly resources: Resources;
}

const RUNNER = { payloadBytes: 64 * 1024 * 1024, pollMs: 1_000, renewMs: 10_000, closeMs: 2_000 };
const SWEEP_MS = 60_000;

/** Runs what is in the ledger of deliveries, and keeps the ledger within its bounds. */
export async function openEvents(base: Base, { store, dispatcher, registry, serving, resources }: EventParts): Promise<Events> {
  const { config, clock, log, closing } = base;
  const names = functionNames(registry);
  const functions: FunctionLookup = {
    version: (functionId, qualifier) => find(serving, names.get(functionId), qualifier),
    config: (functionId, qualifier) => eventInvokeConfig(resources.get('event-invoke-config', `${functionId}/${qualifier ?? '$LATEST'}`)),
    mayLoop: (functionId) => resources.get('recursion', `${functionId}/`)?.loop === 'Allow',
  };
  const scope = { accountId: config.accountId, region: config.region };
  const named = (name: string): FunctionVersion | null => registry.get(name);
  const runner = new DeliveryRunner({
    ledger: store.ledger,
    target: targets({ dispatcher, functions, clock, perFunction: config.events.perFunction, ports: {} }),
    outcomes: (claimed, ended) => outcomesOf({ functions, named, clock, scope }, claimed, ended),
    clock,
    log,
    limits: { ...RUNNER, inFlight: config.events.inFlight },
  });
  await runner.start();
  closing.add(() => runner.close());
  closing.add(keepBounded(base, store));
  return { ...store.deliveries, nameOf: (functionId) => names.get(functionId) ?? null };
}

/** Names by id, kept up to date. */
function functionNames(registry: FunctionRegistry): ReadonlyMap<string, string> {
  const names = new Map(registry.list().map((v) => [v.functionId, v.name]));
  registry.onChange((change) => {
    if (change.kind === 'removed') names.delete(change.previous.functionId);
    else if (change.kind !== 'unpublished') names.set(change.version.functionId, change.version.name);
  });
  return names;
}

function find(serving: Pick<Directory, 'resolve'>, name: string | undefined, qualifier: string | null): FunctionVersion | null {
  if (name === undefined) return null;
  try {
    return serving.resolve(name, qualifier).version;
  } catch (error) {
    if (error instanceof HearthError && error.code === 'ResourceNotFoundException') return null;
    throw error;
  }
}

/** Removes finished deliveries that are too old or too many, a batch at a time; returns the way to stop. */
function keepBounded({ config, clock, log }: Base, store: DatabaseStore): () => void {
  const keep = { ms: config.events.keepMs, count: config.events.keepCount };
  let timer: Timer | null = null;
  let stopped = false;
  const sweep = (): void => {
    store.deliveries.sweep(keep).then(
      // There may be more: soon, yet not so that nothing else gets at the database.
      (removed) => again(removed === 0 ? SWEEP_MS : 100),
      (err: unknown) => {
        log.warn({ err }, 'old deliveries could not be removed');
        again(SWEEP_MS);
      },
    );
  };
  const again = (ms: number): void => {
    if (!stopped) timer = clock.after(ms, sweep);
  };
  again(SWEEP_MS);
  return () => {
    stopped = true;
    timer?.cancel();
  };
}
