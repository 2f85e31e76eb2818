import type { ClientConfig } from 'pg';
import { HearthError } from '../../errors.ts';
import type { Clock, Timer } from '../../lib/clock.ts';
import { sleep } from '../../lib/sleep.ts';
import type { TriggerRecord, TriggerStatus } from '../../model/trigger-record.ts';
import type { TriggerLog } from '../trigger.ts';
import { dropSlot, slotName, slotState, textOf } from './catalog.ts';
import { dropDefinitionWatch } from './definitions.ts';
import { Follower, type FollowerReport } from './follower.ts';
import type { ChangeLedger } from './ledger.ts';
import { dropPublications } from './publications.ts';
import { dropUnfollowed } from './session-triggers.ts';
import { adminPool } from './sessions.ts';
import { tablesOf } from './settings.ts';
import type { LineageAt } from './transactions.ts';
import { ABOUT_TO_BE_LOST, lostSlot, troubleOf } from './trouble.ts';

/** Between attempts: twice as long each time, up to this. */
const LONGEST_MS = 10_000;
const SHORTEST_MS = 500;
/** A slot stays active for a moment after its stream has ended. */
const DROPS = 40;
const DROP_AGAIN_MS = 250;
const NO_DATABASE = '3D000';
/** How often the slot of one that is disabled is looked at. */
const WATCH_MS = 30_000;
const KEPT = 'its slot keeps what changes until it is enabled, up to max_slot_wal_keep_size';

export interface ChangeTriggerDeps {
  /** How to reach the trigger's database. Throws HearthError ServiceUnavailable when that is not known (now). */
  readonly connection: (record: TriggerRecord<'database'>) => ClientConfig;
  /** Of what instances write into the tables of a trigger; null where its server is not the bundled one. */
  readonly lineageAt: (record: TriggerRecord<'database'>) => LineageAt | null;
  readonly ledger: ChangeLedger;
  readonly clock: Clock;
  readonly log: TriggerLog;
}

/** One trigger on changes: follows its tables, and begins again after whatever goes wrong. */
export class ChangeTrigger {
  readonly record: TriggerRecord<'database'>;
  readonly #deps: ChangeTriggerDeps;
  #state: Pick<TriggerStatus, 'state' | 'detail'> = { state: 'starting', detail: null };
  #lagBytes: number | null = null;
  #lastFiredMs: number | null = null;
  #events = 0;
  #follower: Follower | null = null;
  #failures = 0;
  #stopped = false;
  #waiting: { readonly timer: Timer; readonly end: () => void } | null = null;
  #running: Promise<void> | null = null;

  constructor(record: TriggerRecord<'database'>, deps: ChangeTriggerDeps) {
    this.record = record;
    this.#deps = deps;
  }

  start(): void {
    const disabled = this.record.configuration.enabled === false;
    if (disabled) this.#state = { state: 'disabled', detail: KEPT };
    this.#running = disabled ? this.#watch() : this.#run();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#follower?.stop();
    this.#waiting?.timer.cancel();
    this.#waiting?.end();
    await this.#running;
  }

  status(): TriggerStatus {
    const subject = tablesOf(this.record.configuration).map(textOf).join(', ');
    return { ...this.#state, subject, lastFiredMs: this.#lastFiredMs, nextMs: null, lagBytes: this.#lagBytes, events: this.#events };
  }

  async #run(): Promise<void> {
    while (!this.#stopped) {
      try {
        const config = this.#deps.connection(this.record);
        const { ledger, clock } = this.#deps;
        const lineageAt = this.#deps.lineageAt(this.record);
        this.#follower = new Follower({ record: this.record, config, ledger, clock, report: this.#report(), lineageAt });
        await this.#follower.run();
      } catch (error) {
        await this.#recover(error);
      } finally {
        this.#follower = null;
      }
    }
  }

  /** While nothing is read: its slot goes on keeping the log. */
  async #watch(): Promise<void> {
    while (!this.#stopped) {
      const trouble = await this.#look();
      this.#become('disabled', trouble ?? KEPT);
      await this.#wait(WATCH_MS);
    }
  }

  /** Asks the server how far behind the slot is, which nobody streams now; returns what is wrong with it. That it can't be asked is no news. */
  async #look(): Promise<string | null> {
    try {
      const pool = adminPool(this.#deps.connection(this.record));
      try {
        const slot = await slotState(pool, slotName(this.record.id));
        this.#lagBytes = slot?.lagBytes ?? null;
        if (slot?.walStatus === 'lost') return lostSlot();
        return slot?.walStatus === 'unreserved' ? ABOUT_TO_BE_LOST : null;
      } finally {
        await pool.end();
      }
    } catch {
      return null;
    }
  }

  #report(): FollowerReport {
    return {
      streaming: (notes, awaited) => {
        this.#failures = 0;
        // It streams already: what is written into a table that comes is seen from its first row on.
        if (awaited.length > 0) this.#become('waiting', `waits for ${awaited.join(', ')}: there is no such table yet`);
        else this.#become('running', notes.length === 0 ? null : notes.join('; '));
      },
      held: (detail) => this.#become('waiting', detail),
      backfilling: () => this.#become('starting', 'reads the rows that are there'),
      appended: (events, occurredAtMs) => {
        this.#events += events;
        this.#lastFiredMs = occurredAtMs;
      },
      lag: (bytes) => {
        this.#lagBytes = bytes;
      },
    };
  }

  async #recover(error: unknown): Promise<void> {
    if (this.#stopped) return;
    const { state, detail, againMs } = troubleOf(error);
    this.#become(state, detail, error);
    const trouble = await this.#look();
    if (trouble !== null && state === 'waiting' && !this.#stopped) this.#become(state, `${detail}; ${trouble}`);
    await this.#wait(againMs ?? Math.min(LONGEST_MS, SHORTEST_MS * 2 ** this.#failures++));
  }

  /** Ends early when it is stopped. */
  async #wait(ms: number): Promise<void> {
    if (this.#stopped) return;
    await new Promise<void>((end) => {
      this.#waiting = { timer: this.#deps.clock.after(ms, end), end };
    });
    this.#waiting = null;
  }

  #become(state: TriggerStatus['state'], detail: string | null, err?: unknown): void {
    const same = this.#state.state === state && this.#state.detail === detail;
    this.#state = { state, detail };
    if (same) return;
    const { id, functionName } = this.record;
    const fields = { trigger: id, function: functionName, state, detail };
    if (state === 'failed' || (state === 'running' && detail !== null) || (state === 'disabled' && detail !== KEPT))
      this.#deps.log.warn({ ...fields, err }, 'a trigger on changes needs attention');
    else this.#deps.log.info(fields, 'a trigger on changes');
  }
}

/** Removes a trigger's slot and publications from its database. Rejects with HearthError when that can't be done now. */
export async function removeTraces(record: TriggerRecord<'database'>, { connection, clock, lineageAt }: ChangeTriggerDeps): Promise<void> {
  const pool = adminPool(connection(record));
  try {
    for (let attempt = 1; ; attempt++) {
      const error: unknown = await dropSlot(pool, slotName(record.id)).then(
        () => null,
        (e: unknown) => e,
      );
      if (error === null) break;
      if ((error as { code?: unknown }).code === NO_DATABASE) return; // and with it all that we made
      if ((error as { code?: unknown }).code !== '55006' || attempt === DROPS) throw error;
      await sleep(clock, DROP_AGAIN_MS);
    }
    await dropDefinitionWatch(pool, record.id);
    await dropPublications(pool, record.id);
    if (lineageAt(record) !== null) await dropUnfollowed(pool);
  } catch (error) {
    if (error instanceof HearthError) throw error;
    throw new HearthError(
      'ServiceUnavailable',
      `the replication slot ${slotName(record.id)} can't be removed from its database now: ${error instanceof Error ? error.message : String(error)}`,
      { cause: error },
    );
  } finally {
    await pool.end().catch(() => {});
  }
}
