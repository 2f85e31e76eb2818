import { fits } from '../../lib/event-pattern.ts';
import { batchOrderKey, type Sharing } from '../../model/batch-contract.ts';
import type { NewDelivery } from '../../model/delivery.ts';
import { hopsOf } from '../../model/lineage.ts';
import type { TriggerRecord } from '../../model/trigger-record.ts';
import type { Change } from './change.ts';
import { deliveryOf, recordOf, shardOf, type Origin, type Packed } from './envelope.ts';
import { filtered } from './filter.ts';
import { settingsOf, type ChangeSettings } from './settings.ts';

/** Once an event has so many bytes it is closed; a single row may be larger. */
const EVENT_BYTES = 1024 * 1024;
/** Once so many bytes wait, all of it is written. */
const WAITING_BYTES = 8 * EVENT_BYTES;

/** Collects changes until they are to be written, and makes events of them: bounded by rows and by bytes. */
export class Batcher {
  readonly settings: ChangeSettings;
  readonly #trigger: TriggerRecord<'database'>;
  readonly #origin: Origin;
  readonly #sharing: Sharing;
  #shards: Packed[][];
  #bytes = 0;
  #full = false;

  constructor(trigger: TriggerRecord<'database'>, origin: Origin, sharing: Sharing) {
    this.#trigger = trigger;
    this.#origin = origin;
    this.#sharing = sharing;
    this.settings = settingsOf(trigger.configuration);
    this.#shards = this.#empty();
  }

  get empty(): boolean {
    return this.#shards.every((s) => s.length === 0);
  }

  /** Whether a batch is full, so that all is to be written now. */
  get full(): boolean {
    return this.#full;
  }

  /** Takes a change if the trigger wants it. */
  add(change: Change, nowMs: number): void {
    const wanted = filtered(change, this.settings);
    if (wanted === null) return;
    const record = recordOf(wanted, this.#origin, nowMs);
    const { patterns } = this.settings;
    if (patterns.length > 0 && !patterns.some((pattern) => fits(pattern, record))) return;
    const packed = { change: wanted, json: JSON.stringify(record) };
    const shard = this.#shards[shardOf(change, this.#sharing.shards)] as Packed[];
    shard.push(packed);
    this.#bytes += packed.json.length;
    this.#full ||= shard.length >= this.settings.batchSize || this.#bytes >= WAITING_BYTES;
  }

  /** All that waits, as events in order, and begins anew. */
  drain(): NewDelivery[] {
    const shards = this.#shards;
    this.#shards = this.#empty();
    this.#bytes = 0;
    this.#full = false;
    const { generation } = this.#sharing;
    return shards.flatMap((packed, shard) =>
      this.#cut(packed).map((batch) => deliveryOf(this.#trigger, batch, batchOrderKey(this.#trigger, shard, generation))),
    );
  }

  #empty(): Packed[][] {
    return Array.from({ length: this.#sharing.shards }, () => []);
  }

  /**
   * Only what has as many hops behind it is in one batch: else a row that an application wrote would be stopped for another that a loop wrote, and a function that
   * writes into its own table, while others do, would take them all one hop further each time.
   */
  #cut(packed: readonly Packed[]): Packed[][] {
    const batches: Packed[][] = [];
    let [bytes, hops] = [0, 0];
    for (const p of packed) {
      const current = batches.at(-1);
      const full = current === undefined || current.length >= this.settings.batchSize || bytes + p.json.length > EVENT_BYTES;
      if (full || hopsOf(p.change.lineage) !== hops) {
        batches.push([p]);
        bytes = p.json.length;
        hops = hopsOf(p.change.lineage);
      } else {
        current.push(p);
        bytes += p.json.length;
      }
    }
    return batches;
  }
}
