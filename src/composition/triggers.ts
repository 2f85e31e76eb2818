import type { Config } from '../config/config.ts';
import type { FunctionRegistry } from '../control/registry.ts';
import type { Clock } from '../lib/clock.ts';
import type { Ids } from '../lib/ids.ts';
import type { TriggerConfiguration } from '../model/triggers.ts';
import type { Logger } from '../observe/logger.ts';
import type { PostgresStore } from '../store/postgres-store.ts';
import { DatabaseSource } from '../triggers/database/database-source.ts';
import type { LineageAt } from '../triggers/database/transactions.ts';
import { ObjectsSource } from '../triggers/objects/objects-source.ts';
import { ScheduleSource } from '../triggers/schedule/schedule-source.ts';
import type { TriggerSource } from '../triggers/trigger.ts';
import { Triggers } from '../triggers/triggers.ts';
import { watchedBuckets } from './object-triggers.ts';
import type { Objects } from './objects.ts';
import { databaseConnection } from './database-connection.ts';

export interface TriggerParts {
  readonly config: Config;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly log: Logger;
  readonly store: PostgresStore;
  readonly registry: FunctionRegistry;
  /** Messages of queues. */
  readonly queues: TriggerSource;
  readonly objects: Objects;
  /** For which chains instances have worked. */
  readonly worked: { readonly lineageAt: LineageAt };
}

/** The triggers of every function, served. Those of a function that is removed go with it. A new kind is a line in `sources`. */
export async function openTriggers(parts: TriggerParts): Promise<Triggers> {
  const { clock, ids, log, store, registry } = parts;
  const database = databaseSource(parts);
  const uploads = new ObjectsSource({ buckets: watchedBuckets(parts.objects, registry), clock, log });
  const sources: TriggerSource[] = [new ScheduleSource({ ledger: store.schedules, clock, log }), database, uploads, parts.queues];
  const triggers = await Triggers.open({ store: store.triggers, sources, functions: registry, scope: registry.scope, clock, ids, log });
  registry.onChange((change) => {
    if (change.kind === 'removed') void triggers.forget(change.previous.functionId);
  });
  await dropOrphans(database, parts);
  return triggers;
}

function databaseSource({ config, clock, log, store, registry, worked }: TriggerParts): DatabaseSource {
  const connection = databaseConnection({ store, databaseUrl: config.databaseUrl, registry, env: process.env, log });
  const bundled = (c: TriggerConfiguration<'database'>): boolean => c.connection === undefined && store.embedded !== null;
  return new DatabaseSource({
    connection,
    lineageAt: ({ configuration }) => (bundled(configuration) ? (id, atMs) => worked.lineageAt(id, atMs) : null),
    ledger: store.changes,
    clock,
    log,
  });
}

/** Only in the bundled server, which is nobody else's: a slot that nothing reads keeps the disk filling. */
async function dropOrphans(database: DatabaseSource, { store, log }: TriggerParts): Promise<void> {
  if (store.embedded === null) return;
  try {
    const registered = await store.triggers.all(); // those of other regions, too
    const dropped = await database.dropOrphans(
      store.embedded.connection('app'),
      registered.map((t) => t.id),
    );
    if (dropped.length > 0) log.info({ slots: dropped }, 'dropped replication slots that no trigger reads');
  } catch (err) {
    log.warn({ err }, 'replication slots that no trigger reads could not be dropped; the next start tries again');
  }
}
