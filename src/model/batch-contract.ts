import { destinationAddress } from './destination-manifest.ts';
import type { TriggerRecord } from './trigger-record.ts';

/** What becomes of a batch of changes that its function failed, as an event source mapping of Lambda's for a stream says it. */
export interface BatchContract {
  /** How often what failed is tried again; null: until it goes well, or is too old. */
  readonly retries: number | null;
  /** What is older is given up, milliseconds; null: nothing is. */
  readonly maxRecordAgeMs: number | null;
  /** Divide a batch that failed in two, so that what is wrong with it comes to be alone. */
  readonly bisects: boolean;
  /** Whether the function says from which record on it failed. */
  readonly reportsFailures: boolean;
  /** ARN or address that is told what was given up, see destination.ts; null: nobody. */
  readonly onFailure: string | null;
  /** Nothing is run until it is enabled. */
  readonly stopped: boolean;
}

/** The contract of a trigger's batches; null where they are retried as asynchronous invocations are: a manifest that says nothing of it. */
export function batchContract(trigger: TriggerRecord<'database'>): BatchContract | null {
  const { retries, maxRecordAgeSeconds, bisect, reportBatchItemFailures, onFailure, enabled } = trigger.configuration;
  const mapped = trigger.mapping !== undefined;
  const said = [retries, maxRecordAgeSeconds, bisect, reportBatchItemFailures, onFailure].some((given) => given !== undefined);
  if (!mapped && !said) return null;
  return {
    retries: retries === undefined || retries < 0 ? null : retries,
    maxRecordAgeMs: maxRecordAgeSeconds === undefined || maxRecordAgeSeconds < 0 ? null : maxRecordAgeSeconds * 1_000,
    bisects: bisect === true,
    reportsFailures: reportBatchItemFailures === true,
    onFailure: onFailure === undefined || typeof onFailure === 'string' ? (onFailure ?? null) : destinationAddress(onFailure, trigger),
    stopped: mapped && enabled === false,
  };
}

const MAPPED = 'esm:';

/** How the changes of a trigger are shared out to orders. */
export interface Sharing {
  /** All changes of a row belong to the same of so many orders. */
  readonly shards: number;
  /** How often the number of orders was changed: an order of one generation has nothing to do with that of another, as shards that were divided. */
  readonly generation: number;
}

/** What the order keys of a trigger's batches begin with. */
export function batchOrderPrefix(trigger: Pick<TriggerRecord, 'id' | 'mapping'>): string {
  return `${trigger.mapping === undefined ? '' : MAPPED}${trigger.id}/`;
}

/** What runs one after the other of a trigger: one of the orders that its changes are shared out to. */
export function batchOrderKey(trigger: Pick<TriggerRecord, 'id' | 'mapping'>, shard: number, generation: number): string {
  return `${batchOrderPrefix(trigger)}${generation === 0 ? '' : `${generation}-`}${shard}`;
}

/** What is said by such a key. */
export interface BatchOrder {
  /** The trigger's id. */
  readonly id: string;
  /** Whether an event source mapping made it. */
  readonly mapped: boolean;
  /** With its generation where that is not the first. */
  readonly shard: string;
  readonly generation: number;
  /** What all order keys of the trigger begin with. */
  readonly prefix: string;
}

/** Takes apart what `batchOrderKey` made. */
export function triggerOfBatch(orderKey: string): BatchOrder {
  const mapped = orderKey.startsWith(MAPPED);
  const [id = '', shard = ''] = orderKey.slice(mapped ? MAPPED.length : 0).split('/');
  const [generation = ''] = shard.includes('-') ? shard.split('-') : ['0'];
  return { id, mapped, shard, generation: Number(generation), prefix: orderKey.slice(0, orderKey.length - shard.length) };
}
