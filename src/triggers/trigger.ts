import type { FunctionVersion } from '../model/function-version.ts';
import type { TriggerRecord, TriggerStatus } from '../model/trigger-record.ts';
import type { TriggerConfiguration, TriggerKind } from '../model/triggers.ts';

/**
 * All triggers of one kind: what turns something that happens into deliveries. One object serves every trigger of its kind, so that ten thousand
 * of them may share a timer or a connection.
 *
 * What it promises, beyond the types:
 * - What happened is acknowledged to its source (a slot, a queue, an upload's client) only after the delivery is durable; killed between the two,
 *   the same happening gives the same delivery id again.
 * - Nothing of what it does in the background rejects or throws: trouble is a state with a sentence for people, and it tries again by itself.
 * - `start` of an id that runs is a change of its configuration: what was remembered and what is under way stays. After `stop` or `remove` has resolved
 *   no delivery of that trigger reaches the intake any more.
 * - Calls for one trigger come one after the other; calls for different triggers may overlap.
 */
export interface TriggerSource<K extends TriggerKind = TriggerKind> {
  readonly kind: K;

  /**
   * Refuses what can't be served here, beyond what the schema of the manifest refuses. Throws InvalidParameterValueException in a sentence without the path,
   * which the caller puts before it. Must not fail because something is away at the moment.
   */
  check(configuration: TriggerConfiguration<K>): void;

  /**
   * What of a configuration makes it the same trigger when the rest changes: of one function, two triggers with the same identity are a mistake, and a
   * deployment that leaves the identity keeps the trigger with all it remembers.
   */
  identity(configuration: TriggerConfiguration<K>): string;

  /** Begins to serve, or goes on after a restart. Returns at once: connecting is a state, not an outcome. */
  start(trigger: TriggerRecord<K>): void;

  /** Ends what runs and keeps what is remembered, for a restart of the server. Unknown ids are fine. */
  stop(id: string): Promise<void>;

  /**
   * Ends it, and removes what it made outside of Hearth's own tables. Rejects with a HearthError when that can't be done now; it is then called again,
   * at the latest when the server next starts. A trigger that was never started here is removed all the same.
   */
  remove(trigger: TriggerRecord<K>): Promise<void>;

  /** Of a trigger that was started. Answers from memory. */
  status(id: string): TriggerStatus | null;

  /** Ends everything, as `stop` does for each. */
  close(): Promise<void>;
}

/** Functions, as triggers know them. */
export interface TriggeredFunctions {
  /** `$LATEST` of every function. */
  list(): readonly FunctionVersion[];
}

/** Where registrations are kept. All writes are durable when the promise resolves. */
export interface TriggerStore {
  all(): Promise<TriggerRecord[]>;
  /** In one transaction: notes triggers, new or changed, and marks others as retired. */
  change(change: { readonly put: readonly TriggerRecord[]; readonly retire: readonly string[] }): Promise<void>;
  /** Notes by what a trigger's database was reached last; of one that is gone nothing. */
  keepConnection(id: string, connection: string): Promise<void>;
  /** Forgets a trigger with all that was remembered of it. */
  delete(id: string): Promise<void>;
}

/** What triggers say to who runs the server. A pino logger satisfies it. */
export interface TriggerLog {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
}
