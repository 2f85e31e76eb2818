import { further, LINEAGE_MESSAGE, lineageIn } from '../../model/lineage.ts';
import { readSession, SESSION_MESSAGE } from '../../model/session-name.ts';
import { keyOf, rowOf, type Change } from './change.ts';
import type { Lsn, Place } from './lsn.ts';
import type { Message, Relation, Tuple } from './pgoutput.ts';

/** Which columns tell the rows of a table apart; none when nothing does. */
export type KeyColumns = (relation: Relation) => Promise<readonly string[]>;

/** The chain of events that an instance worked for at a time (ms since 1970); '' for none. */
export type LineageAt = (instanceId: string, atMs: number) => string;

/** A trace header is not longer, bytes. */
const LONGEST_HEADER = 1_024;

interface Transaction {
  readonly commitLsn: Lsn;
  readonly commitMs: number;
  readonly xid: number;
  /** Of the next change. */
  index: number;
  /** What has been said of its chain of events so far: the furthest of several. */
  lineage: string;
}

/** Makes changes of the messages of a stream. Every message must come, in order. */
export class Transactions {
  readonly #history: Pick<Place, 'systemId' | 'timeline'>;
  readonly #keyColumns: KeyColumns;
  readonly #lineageAt: LineageAt;
  readonly #relations = new Map<number, { readonly relation: Relation; readonly key: readonly string[] }>();
  #current: Transaction | null = null;

  constructor(history: Pick<Place, 'systemId' | 'timeline'>, keyColumns: KeyColumns, lineageAt: LineageAt) {
    this.#history = history;
    this.#keyColumns = keyColumns;
    this.#lineageAt = lineageAt;
  }

  /** Whether a transaction has begun and not ended. */
  get within(): boolean {
    return this.#current !== null;
  }

  /** The changes of one message: mostly one or none. `lsn` is where the message's record lies. */
  async take(message: Message, lsn: Lsn): Promise<readonly Change[]> {
    switch (message.kind) {
      case 'begin':
        this.#current = { commitLsn: message.commitLsn, commitMs: message.commitMs, xid: message.xid, index: 0, lineage: '' };
        return [];
      case 'commit':
        this.#current = null;
        return [];
      case 'relation':
        // Sent before the first change and again after the table was changed.
        this.#relations.set(message.relation.oid, { relation: message.relation, key: await this.#keyColumns(message.relation) });
        return [];
      case 'insert':
        return [this.#row(message.relationOid, lsn, { op: 'c', after: message.after })];
      case 'update':
        return this.#update(message, lsn);
      case 'delete': {
        const { whole, tuple } = message.before;
        return [this.#row(message.relationOid, lsn, { op: 'd', before: tuple, identityOnly: !whole })];
      }
      case 'truncate':
        return message.relationOids.map((oid) => this.#row(oid, lsn, { op: 't' }));
      case 'message':
        this.#said(message);
        return [];
      case 'other':
        return [];
    }
  }

  /** What a transaction says of its chain holds for what it changes afterwards. */
  #said({ transactional, prefix, content }: Message & { kind: 'message' }): void {
    if (!transactional || content.length > LONGEST_HEADER || this.#current === null) return;
    this.#current.lineage = further(this.#current.lineage, this.#lineageOf(prefix, content.toString('latin1')));
  }

  #lineageOf(prefix: string, text: string): string {
    if (prefix === LINEAGE_MESSAGE) return lineageIn(text);
    const session = prefix === SESSION_MESSAGE ? readSession(text) : null;
    return session === null ? '' : this.#lineageAt(session.instanceId, session.atMs);
  }

  /** An update that gives a row another key is, as in Debezium, the end of one row and the beginning of another. */
  #update(message: Message & { kind: 'update' }, lsn: Lsn): readonly Change[] {
    const { relationOid, before, after } = message;
    const { relation, key } = this.#known(relationOid);
    const identityOnly = before !== null && !before.whole;
    // Of a key that lies apart from its row PostgreSQL sends the old one, changed or not, and with the new row only what was changed.
    const fallback = identityOnly
      ? before.tuple.map((text, i) => (relation.columns[i]?.identity === true ? text : undefined))
      : before?.tuple;
    const change = this.#row(relationOid, lsn, { op: 'u', before: before?.tuple, after, fallback, identityOnly });
    const oldKey = change.before === null ? change.key : keyOf(key, change.before);
    if (oldKey === change.key) return [identityOnly ? { ...change, before: null } : change];
    if (oldKey === null) return [change];
    return [
      { ...change, op: 'd', half: 'a', after: null, key: oldKey },
      { ...change, op: 'c', half: 'b', before: null },
    ];
  }

  #row(
    oid: number,
    lsn: Lsn,
    images: { op: Change['op']; before?: Tuple | undefined; after?: Tuple; fallback?: Tuple | undefined; identityOnly?: boolean },
  ): Change {
    const transaction = this.#current;
    if (transaction === null) throw new Error('pgoutput sent a change outside of a transaction');
    const { relation, key } = this.#known(oid);
    const { op, identityOnly = false, fallback } = images;
    const before = images.before === undefined ? null : rowOf(relation, images.before, { identityOnly });
    const after = images.after === undefined ? null : rowOf(relation, images.after, { fallback });
    const { commitLsn, commitMs, xid, lineage } = transaction;
    const place = { ...this.#history, commitLsn, index: transaction.index++ };
    return { op, half: '', place, relation, before, after, key: keyOf(key, after ?? before), xid, lsn, occurredAtMs: commitMs, lineage };
  }

  #known(oid: number) {
    const known = this.#relations.get(oid);
    if (known === undefined) throw new Error(`pgoutput sent a change of relation ${oid} before the relation`);
    return known;
  }
}
