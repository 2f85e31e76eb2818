import type { Client, ClientConfig, Pool } from 'pg';
import type { Clock, Timer } from '../../lib/clock.ts';
import { batchOrderPrefix } from '../../model/batch-contract.ts';
import type { TriggerRecord } from '../../model/trigger-record.ts';
import { backfill } from './backfill.ts';
import { Batcher } from './batcher.ts';
import { dropSlot, outlast, rowKey, settingsFault, slotName, slotState, textOf } from './catalog.ts';
import { watchDefinitions } from './definitions.ts';
import type { ChangeLedger, StreamState } from './ledger.ts';
import { parseLsn, reached, type Lsn, type Place } from './lsn.ts';
import { decode, type Relation } from './pgoutput.ts';
import { notesOf } from './notes.ts';
import { publish, type Published } from './publications.ts';
import { adminPool, Sessions } from './sessions.ts';
import { watchSessions } from './session-triggers.ts';
import { settingsOf } from './settings.ts';
import { nextSharing } from './sharing.ts';
import { watchTables, type Look } from './table-watch.ts';
import { Transactions, type LineageAt } from './transactions.ts';
import { Awaited, goneSlot, lostSlot, NeedsPerson } from './trouble.ts';
import { createSlot, identify, WalStream, type NewSlot } from './wal-stream.ts';
import { Window } from './window.ts';

/** How long a session that is to end may take to write what it holds, before what it waits for is cut. */
const GRACE_MS = 2_000;

const OPEN_BEFORE = 'waits for the end of transactions that were open before: pg_stat_activity shows them (backend_xid)';

/** What a session tells of itself. */
export interface FollowerReport {
  /** `awaited`: the tables that are not there, when none is. */
  streaming(notes: readonly string[], awaited: readonly string[]): void;
  backfilling(): void;
  /** It can't begin yet, for a reason that is not Hearth's. */
  held(detail: string): void;
  appended(events: number, occurredAtMs: number | null): void;
  lag(bytes: number): void;
}

export interface FollowerDeps {
  readonly record: TriggerRecord<'database'>;
  readonly config: ClientConfig;
  readonly ledger: ChangeLedger;
  readonly clock: Clock;
  readonly report: FollowerReport;
  /** Of what instances write; null where the server is not the bundled one, and may not be told to say whose transactions are. */
  readonly lineageAt: LineageAt | null;
}

/**
 * One connection's worth of following a trigger's tables: makes what is missing (publication, slot), reads the rows that are there if that is wanted, then
 * streams until it is stopped or something fails. Whatever happens, the next session goes on where the ledger is.
 */
export class Follower {
  readonly #deps: FollowerDeps;
  readonly #slot: string;
  readonly #sessions: Sessions;
  readonly #pool: Pool;
  readonly #now: () => number;
  #stream: WalStream | null = null;
  #stopped = false;
  #cutting: Timer | null = null;
  /** Whether tables that come are published by the server itself. */
  #watched = false;
  /** Tables that were published when it was last looked; null before the first look of a stream that begins. */
  #published: ReadonlySet<string> | null = null;
  /** What this session has not seen, in sentences. */
  readonly #gaps: string[] = [];

  constructor(deps: FollowerDeps) {
    this.#deps = deps;
    this.#slot = slotName(deps.record.id);
    this.#sessions = new Sessions(deps.config);
    this.#pool = adminPool(deps.config);
    this.#pool.on('connect', (client) => this.#sessions.add(client as unknown as Client));
    this.#now = () => deps.clock.now();
  }

  /** Resolves after `stop`; rejects with what ended it. */
  async run(): Promise<void> {
    let replication: Client | null = null;
    try {
      await this.#readdress();
      // It has streamed before: both publications were made then.
      if ((await this.#deps.ledger.state(this.#deps.record.id))?.backfilled === true) this.#published = new Set();
      const fault = await settingsFault(this.#pool);
      if (fault !== null) throw new NeedsPerson(fault);
      this.#watched = await watchDefinitions(this.#pool, this.#deps.record.id, settingsOf(this.#deps.record.configuration).tables);
      await this.#publish();
      replication = await WalStream.connect(this.#deps.config, 'hearth changes');
      this.#sessions.add(replication);
      const history = await identify(replication);
      const begun = await this.#begin(replication, history);
      if (this.#stopped || begun === null) return;
      const state = await this.#shared(begun);
      // Again: tables may have come meanwhile.
      const published = await this.#publish();
      await this.#follow(replication, { ...history, published, state });
    } finally {
      this.#cutLater();
      await this.#stream?.close();
      await replication?.end().catch(() => {});
      await this.#pool.end().catch(() => {});
      this.#cutting?.cancel();
    }
  }

  /** Lets what is being written be written, and ends; what waits for others (a lock, a transaction that is open) is cut. */
  stop(): void {
    this.#stopped = true;
    this.#stream?.poke();
    this.#cutLater();
  }

  #cutLater(): void {
    this.#cutting ??= this.#deps.clock.after(GRACE_MS, () => void this.#sessions.cut());
  }

  /** Whoever was given the changes before: what is not finished comes before what is read now, and so to the same function. */
  #readdress(): Promise<void> {
    const { record, ledger } = this.#deps;
    const { functionId, mapping } = record;
    return ledger.readdress(batchOrderPrefix(record), { functionId, qualifier: mapping?.qualifier ?? null });
  }

  async #publish(): Promise<Published> {
    const { record, lineageAt } = this.#deps;
    const settings = settingsOf(record.configuration);
    const published = await publish(this.#pool, record.id, settings);
    this.#noteGap(published);
    if (lineageAt !== null) await watchSessions(this.#pool, settings.tables);
    if (!published.empty || (this.#watched && published.missing.length > 0)) return published;
    if (published.missing.length > 0) throw new Awaited(`waits for ${published.missing.join(', ')}: there is no such table yet`);
    throw new NeedsPerson(
      `${published.insertsOnly.join(', ')} has no primary key, so updates and deletes can't be followed; add one, or: alter table … replica identity full`,
    );
  }

  /** What was published, and was not any more: nobody but Hearth should do that, and nothing else would tell. */
  #noteGap({ added, anew, missing }: Published): void {
    const lost = anew ? added : added.filter((table) => this.#published?.has(table) === true);
    if (this.#published !== null && lost.length > 0) {
      const at = new Date(this.#now()).toISOString().slice(0, 19);
      const what = 'was taken out of this trigger’s publication, or made anew, and put back at';
      this.#gaps.push(`${lost.join(', ')} ${what} ${at}Z: what changed in between was not seen`);
    }
    const tables = settingsOf(this.#deps.record.configuration).tables.map(textOf);
    this.#published = new Set(tables.filter((table) => !missing.includes(table)));
  }

  /** How far the trigger is; at its first start, with the slot made and the rows that are there read. Null when stopped meanwhile. */
  async #begin(replication: Client, history: Pick<Place, 'systemId' | 'timeline'>): Promise<StreamState | null> {
    const { ledger, record } = this.#deps;
    const [slot, state] = await Promise.all([slotState(this.#pool, this.#slot), ledger.state(record.id)]);
    if (slot?.walStatus === 'lost') throw new NeedsPerson(lostSlot());
    if (slot === null && state?.backfilled === true) throw new NeedsPerson(goneSlot());
    if (slot !== null && state?.backfilled === true) return state;
    const confirmed = slot?.confirmed ?? null;
    if (slot !== null && confirmed === null) throw new Awaited(`the replication slot is still being made: ${OPEN_BEFORE}`);
    const wanted = record.configuration.backfill === true;
    const sharing = nextSharing(state, settingsOf(record.configuration).parallel);
    if (confirmed !== null && !wanted) {
      // Made, and then the server was killed: nothing was read of it yet.
      return this.#remember({ place: { ...history, commitLsn: parseLsn(confirmed), index: -1 }, backfilled: true, sharing });
    }
    // A backfill that was broken off begins again: its snapshot went with the connection.
    if (slot !== null) await dropSlot(this.#pool, this.#slot);
    const made = await this.#createSlot(replication, wanted);
    const place = { ...history, commitLsn: parseLsn(made.lsn), index: -1 };
    if (made.snapshot === null) return this.#remember({ place, backfilled: true, sharing });
    return this.#backfill(made.snapshot, await this.#remember({ place, backfilled: false, sharing }));
  }

  async #createSlot(replication: Client, wanted: boolean): Promise<NewSlot> {
    const { clock, report } = this.#deps;
    const slow = clock.after(GRACE_MS, () => report.held(OPEN_BEFORE));
    try {
      if (this.#watched && (await this.#publish()).missing.length > 0) {
        // What was being made when definitions began to be watched must be published before the slot is there: nobody would read what is written in between.
        await outlast(this.#pool, clock);
        await this.#publish();
      }
      return await createSlot(replication, this.#slot, wanted);
    } finally {
      slow.cancel();
    }
  }

  /** The state of a stream that goes on, by as many orders as are wanted now. */
  async #shared(state: StreamState): Promise<StreamState> {
    const sharing = nextSharing(state, settingsOf(this.#deps.record.configuration).parallel);
    return sharing === state.sharing ? state : this.#remember({ ...state, sharing });
  }

  async #remember(state: StreamState): Promise<StreamState> {
    await this.#deps.ledger.append(this.#deps.record.id, [], state);
    return state;
  }

  async #backfill(snapshot: string, begun: StreamState): Promise<StreamState | null> {
    const { config, record, ledger, report } = this.#deps;
    const { place } = begun;
    report.backfilling();
    const batcher = await this.#batcher(begun);
    const tables = await Promise.all(batcher.settings.tables.map(async (t) => ({ ...t, key: await rowKey(this.#pool, t) })));
    const missing = new Set((await publish(this.#pool, record.id, batcher.settings)).missing);
    const there = tables.filter((t) => !missing.has(textOf(t)));
    for await (const changes of backfill({ config, snapshot, place, tables: there, now: this.#now, sessions: this.#sessions })) {
      if (this.#stopped) return null;
      for (const change of changes) {
        batcher.add(change, this.#now());
        if (batcher.full) await this.#write(batcher, begun);
      }
    }
    const state = { ...begun, backfilled: true };
    await this.#write(batcher, state);
    await ledger.append(record.id, [], state);
    return state;
  }

  async #batcher({ sharing }: StreamState): Promise<Batcher> {
    const { rows } = await this.#pool.query<{ name: string }>('select current_database() as name');
    const { record } = this.#deps;
    return new Batcher(record, { database: rows[0]?.name ?? '' }, sharing ?? nextSharing(null, settingsOf(record.configuration).parallel));
  }

  async #write(batcher: Batcher, state: StreamState): Promise<void> {
    if (batcher.empty) return;
    const deliveries = batcher.drain();
    await this.#deps.ledger.append(this.#deps.record.id, deliveries, state);
    this.#deps.report.appended(
      deliveries.length,
      deliveries.reduce((at, d) => Math.max(at, d.occurredAtMs), 0),
    );
  }

  async #follow(
    replication: Client,
    from: { readonly systemId: string; readonly timeline: number; readonly published: Published; readonly state: StreamState },
  ): Promise<void> {
    const { publications } = from.published;
    const batcher = await this.#batcher(from.state);
    const stream = await WalStream.start(replication, { slot: this.#slot, publications, clock: this.#deps.clock });
    this.#stream = stream;
    const { clock, report } = this.#deps;
    const first = await this.#look(from.published);
    report.streaming(first.notes, first.awaited);
    const stopWatching = watchTables({ clock, report, look: async () => this.#look(await this.#publish()) }, first);
    const transactions = new Transactions(from, (relation) => this.#keyColumns(relation), this.#deps.lineageAt ?? (() => ''));
    const window = new Window(this.#deps.clock, batcher.settings.windowMs, () => stream.poke());
    try {
      await this.#consume({ stream, batcher, transactions, window, state: from.state });
    } finally {
      stopWatching();
      window.close();
    }
  }

  async #consume(parts: {
    stream: WalStream;
    batcher: Batcher;
    transactions: Transactions;
    window: Window;
    state: StreamState;
  }): Promise<void> {
    const { stream, batcher, transactions, window } = parts;
    const begun = parts.state.place;
    let place = begun;
    /** All before it is in the ledger once what waits in the batcher is. */
    let read: Lsn = 0n;
    const write = async (): Promise<void> => {
      await this.#write(batcher, { ...parts.state, place });
      window.close();
      if (read > stream.confirmedLsn) stream.acknowledge(read);
    };
    while (!this.#stopped) {
      for (const frame of await stream.next()) {
        if (frame.kind === 'keepalive') {
          // With nothing under way all before it is done with: an idle table must not hold the log back.
          if (!transactions.within) read = frame.endLsn;
          continue;
        }
        const message = decode(frame.data);
        for (const change of await transactions.take(message, frame.lsn)) {
          if (reached(begun, change.place)) continue;
          batcher.add(change, this.#now());
          place = change.place;
        }
        if (message.kind === 'commit') read = message.endLsn;
        if (batcher.full) await write();
      }
      if (batcher.empty || window.passed) await write();
      else window.open();
      this.#deps.report.lag(Number(stream.endLsn > stream.confirmedLsn ? stream.endLsn - stream.confirmedLsn : 0n));
    }
    await write();
  }

  async #keyColumns(relation: Relation): Promise<readonly string[]> {
    const key = await rowKey(this.#pool, relation);
    const identity = relation.columns.filter((c) => c.identity);
    // Of a row that is deleted only these come: what tells rows apart must be among them, whatever the table has for a key by now.
    const sent = relation.replicaIdentity === 'full' || identity.length === 0 ? relation.columns : identity;
    const known = new Set(sent.map((c) => c.name));
    if (key.length > 0 && key.every((name) => known.has(name))) return key;
    return relation.replicaIdentity === 'full' ? [] : identity.map((c) => c.name);
  }

  /** Tables that are waited for, when none is there. */
  #awaited({ missing }: Published): readonly string[] {
    return missing.length === settingsOf(this.#deps.record.configuration).tables.length ? missing : [];
  }

  /** What is said of the tables: once, and by each look from then on whether tables came, went or changed their key. */
  #look(published: Published): Promise<Look> {
    const awaited = this.#awaited(published);
    return notesOf(this.#pool, this.#slot, published).then((notes) => ({
      notes: [...this.#gaps, ...notes],
      awaited,
      missing: published.missing.length > 0,
    }));
  }
}
