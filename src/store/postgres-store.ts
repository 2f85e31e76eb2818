import { Kysely, PostgresDialect } from 'kysely';
import type { Pool } from 'pg';
import type { Clock } from '../lib/clock.ts';
import { ahead, type Ahead } from './ahead.ts';
import { batchStore } from './batches.ts';
import { changeLedger } from './change-streams.ts';
import { openPool } from './connection.ts';
import { Line } from './line.ts';
import type { DatabaseConnection } from './connection.ts';
import { translated } from './database-error.ts';
import type { DeliveryIntake } from '../model/delivery.ts';
import { GroupIntake } from './delivery-intake.ts';
import { deliveryBook, type DeliveryBook } from './delivery-book.ts';
import { deliveryLedger } from './delivery-ledger.ts';
import { listening } from './listener.ts';
import type { Ledger } from '../triggers/ledger/ledger.ts';
import { startEmbedded } from './embedded.ts';
import type { Embedded } from './embedded.ts';
import { functionStore } from './functions.ts';
import type { Run } from './functions.ts';
import { habitStore } from './habits.ts';
import { lockHome } from './home-lock.ts';
import type { Log } from './log.ts';
import { migrate } from './migrate.ts';
import { MIGRATIONS } from './migrations/index.ts';
import type { ObjectIndex } from '../objects/object-index.ts';
import { objectIndex, type ObjectIndexOptions } from './objects.ts';
import type { Database } from './schema.ts';
import { messageBook, type MessageBook } from './message-book.ts';
import { messageLedger } from './message-notes.ts';
import { queueStore } from './queues.ts';
import type { QueueStore } from '../queues/queue-store.ts';
import { resourceStore } from './resources.ts';
import { ServerLock } from './server-lock.ts';
import { busClockLedger } from './bus-times.ts';
import { scheduleLedger } from './schedules.ts';
import type { BusClockLedger } from '../triggers/bus/bus-clock.ts';
import type { Store } from './store.ts';
import { triggerStore } from './triggers.ts';
import { usageStore } from './usage.ts';
import { usageDays, type UsageDays } from './usage-days.ts';
import type { BatchStore } from '../triggers/batches/batch-store.ts';
import type { ChangeLedger } from '../triggers/database/ledger.ts';
import type { MessageLedger } from '../triggers/queue/message-notes.ts';
import type { ScheduleLedger } from '../triggers/schedule/ledger.ts';
import type { TriggerStore } from '../triggers/trigger.ts';

/** A Config satisfies it. */
export interface StoreOptions {
  readonly home: string;
  /** Somebody's own PostgreSQL; null: the embedded one. */
  readonly databaseUrl: string | null;
  readonly region: string;
  /** Where functions may find a socket of the embedded one; none unless given. */
  readonly runDirectory?: string;
}

export interface StoreParts {
  readonly clock: Clock;
  readonly log: Log;
  /** Ends the opening of the store. */
  readonly signal?: AbortSignal | undefined;
}

/** A store in a database that is there already. */
export interface DatabaseStore extends Store {
  /** From now on, and until `close`, what waits for a database that does not answer is given up, and all that is asked of it fails: for a server that ends. `onSilent` hears of it. */
  leave(onSilent?: () => void): void;
  /** Where triggers put events. */
  readonly intake: DeliveryIntake;
  /** Whence they are run. */
  readonly ledger: Ledger;
  /** Where they are looked up. */
  readonly deliveries: DeliveryBook;
  /** The queues of an account and region. */
  queues(place: { readonly accountId: string; readonly region: string }): QueueStore;
  readonly triggers: TriggerStore;
  readonly schedules: ScheduleLedger;
  /** Of the event bus's rules and Scheduler's schedules. */
  readonly busTimes: BusClockLedger;
  readonly changes: ChangeLedger;
  /** How far batches are that are run in parts. */
  readonly batches: BatchStore;
  /** Messages that functions are to be given, as deliveries. */
  readonly waitingMessages: MessageBook;
  /** What became of messages that functions were given. */
  readonly messageNotes: MessageLedger;
  /** What was written while the clock ran ahead. */
  readonly ahead: Ahead;
  /** Usage of days that are over. */
  readonly usageDays: UsageDays;
  /** The index of the object store, whose events become deliveries as `announce` says. */
  objects(options: ObjectIndexOptions): ObjectIndex;
}

/** A store in PostgreSQL. */
export interface PostgresStore extends DatabaseStore {
  readonly database: 'embedded' | 'external';
  /** The bundled PostgreSQL, with its connection to the user's database `app`; null when it is somebody's own. */
  readonly embedded: Embedded | null;
}

/**
 * Opens the state of one Hearth: locks the home, starts the bundled PostgreSQL unless there is a `databaseUrl`, takes the
 * advisory lock, migrates. Throws ResourceConflictException naming the process when another server runs on the same
 * home or database, ServiceUnavailable when the database can't be had, the signal's reason when that ended it. `close` undoes all of it, in order.
 */
export async function openStore(options: StoreOptions, parts: StoreParts): Promise<PostgresStore> {
  const lock = lockHome(options.home);
  let embedded: Embedded | null = null;
  try {
    embedded = options.databaseUrl === null ? await startEmbedded({ home: options.home, ...runIn(options), ...parts }) : null;
    parts.signal?.throwIfAborted();
    const connection = embedded?.connection('hearth') ?? { connectionString: options.databaseUrl ?? '' };
    const store = await openDatabase(connection, options.region, parts);
    let silent = false;
    const close = once(async () => {
      await store.close();
      await embedded?.stop({ silent });
      lock.release();
    });
    const leave = (): void => store.leave(() => (silent = true));
    return { ...store, leave, database: embedded === null ? 'external' : 'embedded', embedded, close };
  } catch (error) {
    await embedded?.stop();
    lock.release();
    throw error;
  }
}

/** The store in one database that is there already: its lock, its schema, its queries. */
export async function openDatabase(where: DatabaseConnection, region: string, { clock, log }: StoreParts): Promise<DatabaseStore> {
  const line = new Line(where, { clock, log });
  const { connection } = line;
  const lock = await ServerLock.take({ connection, clock, log });
  try {
    const applied = await translated(() => migrate(lock.session, MIGRATIONS));
    if (applied.length > 0) log.info({ applied }, 'database migrated');
  } catch (error) {
    await lock.release();
    throw error;
  }
  const pool = openPool(connection, 'hearth', log);
  const db = kysely(pool);
  // What the workers of the ledger write is done again when it is lost: they do not wait for the disk.
  const workers = kysely(openPool(connection, 'hearth ledger', log, { commitAsync: true, queueing: true }));
  // Of their own, so that events are accepted whatever else is asked of the database.
  const entrance = kysely(openPool(connection, 'hearth intake', log, { queueing: true }));
  const run: Run = (work) =>
    translated(() => {
      lock.check();
      return work();
    });
  const listen = listening(connection, { clock, log });
  return {
    functions: functionStore(db, run),
    resources: resourceStore(db, run),
    usage: usageStore(db, run, { pool, region, clock, log }),
    usageDays: usageDays(db, run),
    intake: new GroupIntake(entrance, run),
    ledger: deliveryLedger(workers, run, listen),
    deliveries: deliveryBook(db, run),
    queues: (place) => queueStore(db, run, { place, listen }),
    triggers: triggerStore(db, run),
    schedules: scheduleLedger(entrance, run),
    busTimes: busClockLedger(entrance, run),
    changes: changeLedger(entrance, run),
    batches: batchStore(db, run),
    waitingMessages: messageBook(db, run),
    messageNotes: messageLedger(workers, run),
    objects: (o) => objectIndex(db, run, o),
    habits: habitStore(db, run),
    ahead: ahead(db, run),
    leave: (onSilent) => line.leave(onSilent),
    close: once(async () => {
      await db.destroy();
      await workers.destroy();
      await entrance.destroy();
      await lock.release();
      line.left();
    }),
  };
}

function kysely(pool: Pool): Kysely<Database> {
  return new Kysely<Database>({ dialect: new PostgresDialect({ pool }) });
}

function runIn({ runDirectory }: StoreOptions): { runDirectory?: string } {
  return runDirectory === undefined ? {} : { runDirectory };
}

function once(work: () => Promise<void>): () => Promise<void> {
  let done: Promise<void> | null = null;
  return () => (done ??= work());
}
