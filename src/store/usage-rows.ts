import { GrowingBuffer, MOST_BYTES_A_UNIT } from '../lib/growing-buffer.ts';
import type { UsageRecord } from '../model/usage.ts';

/**
 * Writes usage records in COPY's binary format (PostgreSQL's manual, "COPY", Binary Format): numbers need not be written as text here and read again there,
 * which is most of what a row costs both sides. Throws RangeError for a number that its column can't hold: such a record is for an insert,
 * whose error says more.
 */
export function writeRows(rows: UsageRows, records: readonly UsageRecord[], region: string): void {
  const constants = new Map<string, Constant>();
  rows.copy(HEADER);
  for (const record of records) {
    rows.int16(FIELDS);
    rows.copy(constantOf(record, region, constants));
    writeRest(rows, record);
  }
  rows.int16(-1);
}

/** The columns in the order in which a row has them: first those that all invocations of an instance have in common. */
export const ROW_COLUMNS =
  'account_id, region, function_id, function_name, version, revision_id, instance_id, memory_mb, ' +
  'day, request_id, attempt, started_at, duration_ms, billed_ms, init_ms, init_billed, memory_used_mb, cold_rung, cold_ms, bytes_in, bytes_out, outcome, ' +
  'queued_ms, handler_ms, start';

const FIELDS = ROW_COLUMNS.split(', ').length;
/** The signature, no flags, no extension. */
const HEADER = Buffer.concat([Buffer.from('PGCOPY\n\xff\r\n\0', 'latin1'), Buffer.alloc(8)]);
/** Enough for the fields of most rows, and for most batches. */
const ROW_BYTES = 512;
const BATCH_BYTES = 128 * ROW_BYTES;

interface Constant {
  readonly of: UsageRecord;
  readonly bytes: Buffer;
}

/** The constant fields of a row: in a batch there are as many as instances. */
function constantOf(record: UsageRecord, region: string, known: Map<string, Constant>): Buffer {
  const found = known.get(record.instanceId);
  if (found !== undefined && alike(found.of, record)) return found.bytes;
  const rows = new UsageRows(ROW_BYTES);
  rows.text(record.accountId);
  rows.text(region);
  rows.text(record.functionId);
  rows.text(record.functionName);
  rows.text(record.version);
  rows.text(record.revisionId);
  rows.text(record.instanceId);
  rows.integer(record.memoryMb);
  const bytes = rows.bytes();
  known.set(record.instanceId, { of: record, bytes });
  return bytes;
}

/** Calls whose init phase failed had no instance: its id does not tell them apart. */
function alike(a: UsageRecord, b: UsageRecord): boolean {
  return (
    a.revisionId === b.revisionId &&
    a.version === b.version &&
    a.functionId === b.functionId &&
    a.functionName === b.functionName &&
    a.memoryMb === b.memoryMb &&
    a.accountId === b.accountId
  );
}

const DAY_MS = 86_400_000;
/** 2000-01-01, from which PostgreSQL counts. */
const EPOCH_DAY = 10_957;
const EPOCH_MS = EPOCH_DAY * DAY_MS;

function writeRest(rows: UsageRows, r: UsageRecord): void {
  rows.integer(Math.floor(r.startedAtMs / DAY_MS) - EPOCH_DAY);
  rows.text(r.requestId);
  rows.integer(r.attempt);
  // Clocks here count to the microsecond, as PostgreSQL does.
  rows.bigint(Math.round((r.startedAtMs - EPOCH_MS) * 1000));
  rows.real(r.durationMs);
  rows.bigint(r.billedMs);
  rows.real(r.initMs);
  rows.boolean(r.initBilled);
  rows.real(r.memoryUsedMb);
  if (r.coldRung === null) rows.none();
  else rows.text(r.coldRung);
  rows.real(r.coldMs);
  rows.bigint(r.bytesIn);
  rows.bigint(r.bytesOut);
  rows.text(r.outcome);
  rows.real(r.queuedMs);
  rows.real(r.handlerMs);
  if (r.start === null) rows.none();
  else rows.json(r.start);
}

const INT32 = { least: -0x8000_0000, most: 0x7fff_ffff };
const UINT32_VALUES = 0x1_0000_0000;
/** Of jsonb's binary form. */
const JSONB_VERSION = '\u0001';

/** Fields one after the other, each with its length before it. */
export class UsageRows extends GrowingBuffer {
  #view = new DataView(this.buffer.buffer);

  constructor(bytes = BATCH_BYTES) {
    super(bytes);
  }

  int16(value: number): void {
    this.room(2);
    this.#view.setInt16(this.at, value);
    this.at += 2;
  }

  copy(bytes: Buffer): void {
    this.room(bytes.length);
    this.buffer.set(bytes, this.at);
    this.at += bytes.length;
  }

  /** A null. */
  none(): void {
    this.#field(-1, 0);
  }

  boolean(value: boolean): void {
    this.#field(1, 1);
    this.buffer[this.at++] = value ? 1 : 0;
  }

  integer(value: number): void {
    if (!Number.isInteger(value) || value < INT32.least || value > INT32.most) throw new RangeError(`${value} is no integer of 32 bits`);
    this.#field(4, 4);
    this.#view.setInt32(this.at, value);
    this.at += 4;
  }

  bigint(value: number): void {
    if (!Number.isSafeInteger(value)) throw new RangeError(`${value} is no safe integer`);
    this.#field(8, 8);
    this.#view.setInt32(this.at, Math.floor(value / UINT32_VALUES));
    this.#view.setUint32(this.at + 4, value % UINT32_VALUES);
    this.at += 8;
  }

  /** To the microsecond, of milliseconds. PostgreSQL takes NaN and infinity for numbers, which no usage can be: they are nulls. */
  real(value: number | null): void {
    if (value === null || !Number.isFinite(value)) return this.none();
    this.#field(8, 8);
    this.#view.setFloat64(this.at, Math.round(value * 1000) / 1000);
    this.at += 8;
  }

  text(value: string): void {
    this.room(4 + value.length * MOST_BYTES_A_UNIT);
    const bytes = this.buffer.write(value, this.at + 4);
    this.#view.setInt32(this.at, bytes);
    this.at += 4 + bytes;
  }

  json(value: unknown): void {
    this.text(JSONB_VERSION + JSON.stringify(value));
  }

  protected override room(bytes: number): void {
    super.room(bytes);
    if (this.#view.buffer !== this.buffer.buffer) this.#view = new DataView(this.buffer.buffer);
  }

  /** A field's length, -1 for a null, and room for the `bytes` that come then. */
  #field(length: number, bytes: number): void {
    this.room(4 + bytes);
    this.#view.setInt32(this.at, length);
    this.at += 4;
  }
}
