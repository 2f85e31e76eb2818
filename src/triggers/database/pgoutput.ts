import type { Lsn } from './lsn.ts';

/** Values of a row by position, as text; null is NULL, undefined is a large value that was not changed and is not sent. */
export type Tuple = readonly (string | null | undefined)[];

export interface Column {
  readonly name: string;
  readonly typeOid: number;
  /** Part of the replica identity: sent with the old image. */
  readonly identity: boolean;
}

/** A table as it was when the changes that follow were made. */
export interface Relation {
  readonly oid: number;
  readonly schema: string;
  readonly table: string;
  readonly replicaIdentity: 'default' | 'nothing' | 'full' | 'index';
  readonly columns: readonly Column[];
}

/** The old image: the whole row (replica identity full) or only the columns of the identity, the others being null. */
interface OldImage {
  readonly whole: boolean;
  readonly tuple: Tuple;
}

/** A message of pgoutput, protocol version 1: transactions come one after the other, committed. */
export type Message =
  | { readonly kind: 'begin'; readonly commitLsn: Lsn; readonly commitMs: number; readonly xid: number }
  | { readonly kind: 'commit'; readonly endLsn: Lsn }
  | { readonly kind: 'relation'; readonly relation: Relation }
  | { readonly kind: 'insert'; readonly relationOid: number; readonly after: Tuple }
  | { readonly kind: 'update'; readonly relationOid: number; readonly before: OldImage | null; readonly after: Tuple }
  | { readonly kind: 'delete'; readonly relationOid: number; readonly before: OldImage }
  | { readonly kind: 'truncate'; readonly relationOids: readonly number[] }
  /** What pg_logical_emit_message was given. One that is not of its transaction comes at once, rolled back or not. */
  | { readonly kind: 'message'; readonly transactional: boolean; readonly prefix: string; readonly content: Buffer }
  | { readonly kind: 'other' };

const IDENTITIES = { d: 'default', n: 'nothing', f: 'full', i: 'index' } as const;
/** PostgreSQL counts from the year 2000. */
const EPOCH_MS = 946_684_800_000;

/** Reads one message. Throws RangeError or Error when it is none. */
export function decode(data: Buffer): Message {
  const read = new Reader(data);
  const tag = read.char();
  switch (tag) {
    case 'B':
      return { kind: 'begin', commitLsn: read.uint64(), commitMs: timeMs(read.int64()), xid: read.uint32() };
    case 'C':
      read.skip(1 + 8);
      return { kind: 'commit', endLsn: read.uint64() };
    case 'R':
      return { kind: 'relation', relation: relation(read) };
    case 'I': {
      const relationOid = read.uint32();
      read.char();
      return { kind: 'insert', relationOid, after: tuple(read) };
    }
    case 'U':
      return update(read);
    case 'D': {
      const relationOid = read.uint32();
      return { kind: 'delete', relationOid, before: oldImage(read, read.char()) };
    }
    case 'T': {
      const count = read.uint32();
      read.skip(1);
      return { kind: 'truncate', relationOids: Array.from({ length: count }, () => read.uint32()) };
    }
    case 'M': {
      const transactional = (read.uint8() & 1) === 1;
      read.skip(8);
      return { kind: 'message', transactional, prefix: read.text(), content: read.bytes(read.uint32()) };
    }
    case 'Y': // a type of the user's own
    case 'O': // where a transaction was replicated from
      return { kind: 'other' };
    default:
      throw new Error(`pgoutput sent a message that is not known: '${tag}'`);
  }
}

function relation(read: Reader): Relation {
  const oid = read.uint32();
  const schema = read.text();
  const table = read.text();
  const identity = read.char();
  if (!(identity in IDENTITIES)) throw new Error(`a replica identity that is not known: '${identity}'`);
  const count = read.uint16();
  const columns = Array.from({ length: count }, (): Column => {
    const flags = read.uint8();
    const name = read.text();
    const typeOid = read.uint32();
    read.skip(4);
    return { name, typeOid, identity: (flags & 1) === 1 };
  });
  const replicaIdentity = IDENTITIES[identity as keyof typeof IDENTITIES];
  return { oid, schema: schema === '' ? 'pg_catalog' : schema, table, replicaIdentity, columns };
}

function update(read: Reader): Message {
  const relationOid = read.uint32();
  const part = read.char();
  const before = part === 'N' ? null : oldImage(read, part);
  if (before !== null) read.char();
  return { kind: 'update', relationOid, before, after: tuple(read) };
}

function oldImage(read: Reader, part: string): OldImage {
  if (part !== 'K' && part !== 'O') throw new Error(`an old image that is not known: '${part}'`);
  return { whole: part === 'O', tuple: tuple(read) };
}

function tuple(read: Reader): Tuple {
  const count = read.uint16();
  const values: (string | null | undefined)[] = [];
  for (let i = 0; i < count; i++) {
    const kind = read.char();
    if (kind === 't') values.push(read.bytes(read.uint32()).toString('utf8'));
    else if (kind === 'n') values.push(null);
    else if (kind === 'u') values.push(undefined);
    else throw new Error(`a column of a kind that was not asked for: '${kind}'`);
  }
  return values;
}

function timeMs(microseconds: bigint): number {
  return Number(microseconds / 1000n) + EPOCH_MS;
}

/** Reads along a buffer; throws RangeError at its end. */
class Reader {
  readonly #data: Buffer;
  #at = 0;

  constructor(data: Buffer) {
    this.#data = data;
  }

  char(): string {
    return String.fromCharCode(this.uint8());
  }

  uint8(): number {
    return this.#data.readUInt8(this.#forth(1));
  }

  uint16(): number {
    return this.#data.readUInt16BE(this.#forth(2));
  }

  uint32(): number {
    return this.#data.readUInt32BE(this.#forth(4));
  }

  uint64(): bigint {
    return this.#data.readBigUInt64BE(this.#forth(8));
  }

  int64(): bigint {
    return this.#data.readBigInt64BE(this.#forth(8));
  }

  skip(count: number): void {
    this.#forth(count);
  }

  bytes(count: number): Buffer {
    const at = this.#forth(count);
    return this.#data.subarray(at, this.#at);
  }

  /** Up to the next zero. */
  text(): string {
    const end = this.#data.indexOf(0, this.#at);
    if (end < 0) throw new RangeError('pgoutput: a name without an end');
    return this.#data.toString('utf8', this.#forth(end - this.#at + 1), end);
  }

  #forth(count: number): number {
    const at = this.#at;
    this.#at += count;
    if (this.#at > this.#data.length) throw new RangeError('pgoutput: a message ends within a value');
    return at;
  }
}
