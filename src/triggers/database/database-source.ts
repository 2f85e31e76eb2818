import { Turns } from '../../lib/turns.ts';
import type { TriggerRecord, TriggerStatus } from '../../model/trigger-record.ts';
import type { TriggerConfiguration } from '../../model/triggers.ts';
import type { TriggerSource } from '../trigger.ts';
import { dropSlot, slotName, slotsOfHearth, textOf } from './catalog.ts';
import { ChangeTrigger, removeTraces, type ChangeTriggerDeps } from './change-trigger.ts';
import { dropDefinitionWatch } from './definitions.ts';
import { dropPublications } from './publications.ts';
import { adminPool } from './sessions.ts';
import { dropUnfollowed } from './session-triggers.ts';
import { tablesOf } from './settings.ts';
import type { ClientConfig } from 'pg';

/** Triggers on changes of PostgreSQL's tables: each has a replication slot and a publication of its own in its database. */
export class DatabaseSource implements TriggerSource<'database'> {
  readonly kind = 'database';
  readonly #deps: ChangeTriggerDeps;
  readonly #triggers = new Map<string, ChangeTrigger>();
  readonly #turns = new Turns();

  constructor(deps: ChangeTriggerDeps) {
    this.#deps = deps;
  }

  /** The schema of the manifest has checked everything; whether the tables are there is a state, for they may come. */
  check(): void {}

  identity(c: TriggerConfiguration<'database'>): string {
    return c.name === undefined ? JSON.stringify([c.connection ?? '', ...tablesOf(c).map(textOf)]) : `name ${c.connection ?? ''} ${c.name}`;
  }

  start(record: TriggerRecord<'database'>): void {
    const before = this.#triggers.get(record.id);
    const next = new ChangeTrigger(record, this.#deps);
    this.#triggers.set(record.id, next);
    // One slot has one stream: the one before ends first.
    void this.#turns.take(record.id, async () => {
      await before?.stop();
      if (this.#triggers.get(record.id) === next) next.start();
    });
  }

  async stop(id: string): Promise<void> {
    const trigger = this.#triggers.get(id);
    this.#triggers.delete(id);
    await this.#turns.take(id, async () => trigger?.stop());
  }

  async remove(record: TriggerRecord<'database'>): Promise<void> {
    await this.stop(record.id);
    await removeTraces(record, this.#deps);
  }

  status(id: string): TriggerStatus | null {
    return this.#triggers.get(id)?.status() ?? null;
  }

  async close(): Promise<void> {
    await Promise.all([...this.#triggers.keys()].map((id) => this.stop(id)));
  }

  /**
   * Drops slots and publications in a database of Hearth's own server that belong to no trigger: left by registrations that are no more. Not for somebody
   * else's server, where another Hearth may have made them. Resolves with the slots that were dropped.
   */
  async dropOrphans(config: ClientConfig, triggerIds: readonly string[]): Promise<string[]> {
    const known = new Set(triggerIds.map(slotName));
    const pool = adminPool(config);
    try {
      const orphans = (await slotsOfHearth(pool)).filter((slot) => !known.has(slot));
      for (const slot of orphans) {
        await dropSlot(pool, slot);
        await dropDefinitionWatch(pool, slot.replace(/^hearth_/, ''));
        await dropPublications(pool, slot.replace(/^hearth_/, ''));
      }
      await dropUnfollowed(pool);
      return orphans;
    } finally {
      await pool.end().catch(() => {});
    }
  }
}
