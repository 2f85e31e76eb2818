import type { Events } from '../control/own/events.ts';
import { Readable } from 'node:stream';
import { isDeepStrictEqual } from 'node:util';
import type { Resources } from '../control/resources.ts';
import type { FunctionRegistry } from '../control/registry.ts';
import type { Dispatcher } from '../dispatch/dispatcher.ts';
import { HearthError } from '../errors.ts';
import type { Directory } from '../gateway/directory.ts';
import { eventInvokeDocument, type AsyncManifest } from '../model/async-manifest.ts';
import { batchContract, type BatchContract } from '../model/batch-contract.ts';
import type { NewDelivery } from '../model/delivery.ts';
import type { Published } from '../model/event-rule.ts';
import { eventInvokeConfig } from '../model/event-invoke-config.ts';
import type { QueueFeed } from '../model/delivery-view.ts';
import type { FunctionVersion } from '../model/function-version.ts';
import type { TriggerRecord } from '../model/trigger-record.ts';
import type { PostgresStore } from '../store/postgres-store.ts';
import type { ObjectStore } from '../objects/object-store.ts';
import { DeliveryRunner } from '../triggers/ledger/delivery-runner.ts';
import type { BatchOwner } from '../triggers/batches/batch-store.ts';
import { batchTarget } from '../triggers/batches/batch-target.ts';
import { functionTarget, type FunctionLookup } from '../triggers/ledger/function-target.ts';
import { discardDelivery, outcomesOf } from '../triggers/ledger/outcomes.ts';
import { targets, type DestinationPorts } from '../triggers/ledger/target.ts';
import type { Triggers } from '../triggers/triggers.ts';
import type { Base } from './base.ts';
import { eventList } from './event-list.ts';
import { loopsOf } from './loops.ts';
import { keepBounded } from './retention.ts';
import { keepInTime } from './set-back.ts';
import { writingRows } from './table-rows.ts';

export interface EventParts {
  readonly store: PostgresStore;
  readonly dispatcher: Dispatcher;
  readonly registry: FunctionRegistry;
  /** What is run of a function. */
  readonly serving: Pick<Directory, 'resolve'>;
  readonly resources: Resources;
  readonly triggers: Pick<Triggers, 'get'>;
  readonly queues: {
    /** Puts the outcome of an event into a queue. */
    readonly deliver: NonNullable<DestinationPorts['queue']>;
    /** Which queues feed which functions. */
    readonly feeds: () => readonly QueueFeed[];
  };
  readonly bus: {
    /** What an event on the bus comes to. */
    readonly deliveries: (published: Published) => NewDelivery[];
  };
  readonly objects: ObjectStore;
  /** Signs what is posted to this server itself. */
  readonly sign: NonNullable<DestinationPorts['sign']>;
}

const RUNNER = { payloadBytes: 64 * 1024 * 1024, pollMs: 1_000, renewMs: 10_000, closeMs: 2_000 };

/** Runs what is in the ledger of deliveries, and keeps the ledger within its bounds. */
export async function openEvents(base: Base, parts: EventParts): Promise<Events> {
  const { store, dispatcher, registry, serving, resources, triggers, queues, bus, objects, sign } = parts;
  const { config, clock, log, closing, drain } = base;
  const names = functionNames(registry);
  const functions: FunctionLookup = {
    version: (functionId, qualifier) => find(serving, names.get(functionId), qualifier),
    config: (functionId, qualifier) => eventInvokeConfig(resources.get('event-invoke-config', `${functionId}/${qualifier ?? '$LATEST'}`)),
    mayLoop: loopsOf(resources),
  };
  const scope = { accountId: config.accountId, region: config.region };
  const named = (name: string): FunctionVersion | null => registry.get(name);
  const telling = { functions, named, clock, scope, onBus: bus.deliveries };
  const batches = batchTarget({
    functions: functionTarget({ dispatcher, functions, clock, perFunction: config.events.perFunction }),
    contract: (id) => contractOf(triggers.get(id)),
    owner: (id) => ownerOf(triggers.get(id)),
    store: store.batches,
    intake: store.intake,
    discard: (claimed, to, facts) => discardDelivery(telling, claimed, { to, facts }),
    clock,
  });
  const runner = new DeliveryRunner({
    ledger: store.ledger,
    target: targets({
      functions: batches,
      ports: { queue: queues.deliver, bucket: writing(objects), table: writingRows(base, parts), sign },
    }),
    outcomes: (claimed, ended) => outcomesOf(telling, claimed, ended),
    clock,
    log,
    limits: { ...RUNNER, inFlight: config.events.inFlight },
  });
  await runner.start();
  closing.add('events', () => runner.close());
  drain.add(() => runner.drain());
  closing.add('retention of events', keepBounded(base, store));
  closing.add('the watch over the clock', keepInTime(base, store.ahead));
  const configure = (version: FunctionVersion, manifest: AsyncManifest | null): Promise<void> =>
    configured(resources, version, { manifest, nowMs: clock.now() });
  const shown = eventList({ deliveries: store.deliveries, messages: store.waitingMessages, feeds: queues.feeds });
  return { ...shown, configure, nameOf: (functionId) => names.get(functionId) ?? null };
}

function contractOf(trigger: TriggerRecord | null): BatchContract | null {
  return trigger === null || trigger.kind !== 'database' ? null : batchContract(trigger as TriggerRecord<'database'>);
}

function ownerOf(trigger: TriggerRecord | null): BatchOwner | null {
  return trigger === null ? null : { functionId: trigger.functionId, qualifier: trigger.mapping?.qualifier ?? null };
}

/** Writes outcomes as objects. */
function writing(objects: ObjectStore): NonNullable<DestinationPorts['bucket']> {
  return async ({ bucket, key }, { body, lineage }) => {
    const expected = { md5: null, algorithm: 'CRC64NVME', checksum: null, minBytes: 0, maxBytes: body.length } as const;
    await objects.put({ chunks: Readable.from([body]), length: body.length, trailers: new Map() }, expected, {
      bucket,
      key,
      meta: { headers: { 'content-type': 'application/json' }, user: {}, storageClass: 'STANDARD' },
      tags: {},
      precondition: () => {},
      how: 'Put',
      cause: { requestId: '', sourceIp: '127.0.0.1', principal: 'hearth', lineage, traceId: '' },
    });
  };
}

/** Writes what a manifest says of asynchronous invocations; what it does not say is what holds for every function. */
async function configured(
  resources: Resources,
  version: FunctionVersion,
  { manifest, nowMs }: { manifest: AsyncManifest | null; nowMs: number },
): Promise<void> {
  const { functionId } = version;
  const key = `${functionId}/$LATEST`;
  if (manifest === null) await resources.remove('event-invoke-config', key);
  else {
    const document = { ...eventInvokeDocument(manifest, version), LastModified: nowMs };
    const { LastModified: _, ...present } = resources.get('event-invoke-config', key) ?? {};
    const { LastModified: __, ...wanted } = document;
    if (!isDeepStrictEqual(present, wanted)) await resources.put('event-invoke-config', key, document, functionId);
  }
  const loop = manifest?.recursiveLoop === 'allow' ? 'Allow' : 'Terminate';
  if ((resources.get('recursion', `${functionId}/`)?.loop ?? 'Terminate') !== loop)
    await resources.put('recursion', `${functionId}/`, { loop }, functionId);
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
