import type { TriggerConfiguration, TriggerKind } from './triggers.ts';

/** A trigger as it is registered: it belongs to one function, and outlives it only until what it made elsewhere is gone. */
export interface TriggerRecord<K extends TriggerKind = TriggerKind> {
  /** Immutable; a UUID. What is remembered of the trigger, and every id of its events, refers to it. */
  readonly id: string;
  readonly accountId: string;
  readonly region: string;
  readonly functionId: string;
  readonly functionName: string;
  readonly kind: K;
  readonly configuration: TriggerConfiguration<K>;
  /** When this configuration came to be, milliseconds since the epoch. */
  readonly changedAtMs: number;
  /** There for a trigger that an event source mapping of Lambda's API made, and not a manifest: which version or alias it invokes; null: `$LATEST`. */
  readonly mapping?: { readonly qualifier: string | null };
  /** It serves no more; what it made elsewhere (a slot, a publication) is still to be removed. */
  readonly retired: boolean;
  /** Of one that is retired: since when, milliseconds since the epoch. */
  readonly retiredAtMs?: number;
  /** Of one on changes: what the variable of its function that it names held last. A trigger is removed after its function, and with it its variables. */
  readonly connection?: string;
}

/**
 * What a trigger is doing. `starting`: it connects or is read for the first time; `running`; `waiting`: for something that others must do, or for
 * the next attempt, `detail` says which; `disabled`: by its configuration; `ended`: nothing will ever come of it again; `failed`: it needs a person.
 */
type TriggerState = 'starting' | 'running' | 'waiting' | 'disabled' | 'ended' | 'failed';

/** What `hearth triggers` shows of one. */
export interface TriggerStatus {
  readonly state: TriggerState;
  /** In a sentence, what is wrong or awaited and what to do; null when there is nothing to say. */
  readonly detail: string | null;
  /** What it serves, in short: `cron(0 6 * * ? *) Europe/Madrid`, `public.orders`. */
  readonly subject: string;
  /** When what fired last had happened, milliseconds since the epoch. */
  readonly lastFiredMs: number | null;
  /** When it fires next, for triggers that know. */
  readonly nextMs: number | null;
  /** How far it is behind its source, in the source's own measure of bytes; null where that means nothing. */
  readonly lagBytes: number | null;
  /** Events put into the ledger since the server started. */
  readonly events: number;
}
