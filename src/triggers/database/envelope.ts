import { createHash } from 'node:crypto';
import type { NewDelivery } from '../../model/delivery.ts';
import { tableArn } from '../../model/table-arn.ts';
import type { TriggerRecord } from '../../model/trigger-record.ts';
import type { Change } from './change.ts';
import { formatLsn, type Place } from './lsn.ts';

/** Where changes come from. */
export interface Origin {
  /** The database's name. */
  readonly database: string;
}

/** A change as it is put into an event, with its size in bytes. */
export interface Packed {
  readonly change: Change;
  readonly json: string;
}

/** A change in Debezium's envelope. */
export function recordOf(change: Change, { database }: Origin, nowMs: number) {
  const { op, before, after, relation, xid, lsn, place, occurredAtMs } = change;
  return {
    eventID: eventId(place, change.half),
    op,
    before,
    after,
    source: {
      connector: 'postgresql',
      name: 'hearth',
      ts_ms: occurredAtMs,
      snapshot: op === 'r' ? 'true' : 'false',
      db: database,
      sequence: JSON.stringify([String(place.commitLsn), String(lsn)]),
      schema: relation.schema,
      table: relation.table,
      txId: xid,
      lsn: Number(lsn),
      xmin: null,
    },
    ts_ms: nowMs,
    transaction: null,
  };
}

/** The id of a change, the same for ever: whose log, where in it the commit lies, and which change of the transaction. */
function eventId(place: Place, half: string): string {
  return `${place.systemId}:${place.timeline}:${formatLsn(place.commitLsn)}:${place.index}${half}`;
}

/** One event of several changes, in order, that are equally far in their chains of events. `orderKey`: what runs one after the other. */
export function deliveryOf(trigger: TriggerRecord<'database'>, batch: readonly Packed[], orderKey: string): NewDelivery {
  const [first, last] = [batch[0], batch.at(-1)];
  if (first === undefined || last === undefined) throw new Error('a batch without changes');
  const tables = [...new Set(batch.map(({ change: { relation } }) => `${relation.schema}.${relation.table}`))];
  // First and last: should the batches be cut otherwise another time, none is taken for one that it is not.
  const id = `${eventId(first.change.place, first.change.half)}-${formatLsn(last.change.place.commitLsn)}:${last.change.place.index}${last.change.half}`;
  return {
    id: `${id}:${trigger.id}`,
    source: 'database',
    sourceArn: tableArn(trigger, tables[0] ?? ''),
    subject: tables.join(', ').slice(0, 200),
    functionId: trigger.functionId,
    qualifier: trigger.mapping?.qualifier ?? null,
    orderKey,
    payload: Buffer.from(`{"Records":[${batch.map((p) => p.json).join(',')}]}`),
    lineage: first.change.lineage,
    traceId: '',
    occurredAtMs: last.change.occurredAtMs,
  };
}

/** Which of so many shards a change belongs to: all of one row to the same; those without a key to the first. */
export function shardOf({ key, relation }: Change, shards: number): number {
  if (key === null || shards === 1) return 0;
  const digest = createHash('sha1').update(`${relation.schema}.${relation.table} ${key}`).digest();
  return digest.readUInt32BE(0) % shards;
}
