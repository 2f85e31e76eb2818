/** What a zip says of a file, a link or an empty folder, whose name ends in `/`. Names have `/` between folders. */
export interface ZipEntry {
  readonly name: string;
  /** As stat(2) has it, the kind included. */
  readonly mode: number;
  /** Whether its content is deflated (raw), else stored as it is. */
  readonly deflated: boolean;
  /** Whether its sizes and checksum come behind its content, in `describing`: else they are known before. */
  readonly described: boolean;
}

/** An entry's content as it lies in the zip; sizes in bytes. */
export interface ZipContent {
  readonly crc32: number;
  readonly storedSize: number;
  readonly size: number;
}

/** Of no entry the sizes, and of no zip the place, may be as much: what is larger is written otherwise, which nothing here can. */
export const ZIP_LIMIT = 0xffff_ffff;

/** Bytes of a heading, and of a record of the directory, less those of the name. */
export const [HEADING_BYTES, RECORD_BYTES] = [30, 46];
/** Bytes of what `describing` gives. */
export const DESCRIBING_BYTES = 16;

const NEEDED = 20;
const MADE_BY = (3 << 8) | 63; // Unix, version 6.3 of the format
const NAMES_ARE_UTF8 = 1 << 11;
const SIZES_FOLLOW = 1 << 3;
/** 1 January 1980, the first day that a zip can tell, at midnight. */
const [TIME, DATE] = [0, (1 << 5) | 1];
const COUNTED = 0xffff;

const UNKNOWN: ZipContent = { crc32: 0, storedSize: 0, size: 0 };

/** What comes before an entry's content, which is needed where the entry is not `described`. */
export function heading(entry: ZipEntry, content: ZipContent = UNKNOWN): Buffer {
  const name = Buffer.from(entry.name);
  const fixed = Buffer.alloc(HEADING_BYTES);
  fixed.writeUInt32LE(0x04034b50, 0);
  fixed.writeUInt16LE(NEEDED, 4);
  writeCommon(entry, entry.described ? UNKNOWN : content, fixed.subarray(6));
  fixed.writeUInt16LE(name.length, 26);
  return Buffer.concat([fixed, name]);
}

/** What comes behind the content of an entry that is `described`. */
export function describing(content: ZipContent): Buffer {
  const bytes = Buffer.alloc(DESCRIBING_BYTES);
  bytes.writeUInt32LE(0x08074b50, 0);
  bytes.writeUInt32LE(content.crc32, 4);
  bytes.writeUInt32LE(content.storedSize, 8);
  bytes.writeUInt32LE(content.size, 12);
  return bytes;
}

/** What the directory at the zip's end says of an entry whose heading is at `offset`. */
export function directoryRecord(entry: ZipEntry, content: ZipContent, offset: number): Buffer {
  const name = Buffer.from(entry.name);
  const fixed = Buffer.alloc(RECORD_BYTES);
  fixed.writeUInt32LE(0x02014b50, 0);
  fixed.writeUInt16LE(MADE_BY, 4);
  fixed.writeUInt16LE(NEEDED, 6);
  writeCommon(entry, content, fixed.subarray(8));
  fixed.writeUInt16LE(name.length, 28);
  fixed.writeUInt32LE((entry.mode << 16) >>> 0, 38);
  fixed.writeUInt32LE(offset, 42);
  return Buffer.concat([fixed, name]);
}

/** The end of a zip with `count` entries, whose directory has so many bytes and begins at `offset`. The comment is ASCII. */
export function ending(count: number, directoryBytes: number, offset: number, comment = ''): Buffer {
  const last = Buffer.alloc(22);
  last.writeUInt32LE(0x06054b50, 0);
  last.writeUInt16LE(Math.min(count, COUNTED), 8);
  last.writeUInt16LE(Math.min(count, COUNTED), 10);
  last.writeUInt32LE(directoryBytes, 12);
  last.writeUInt32LE(offset, 16);
  last.writeUInt16LE(comment.length, 20);
  const counted = count < COUNTED ? [] : largeEnding(count, directoryBytes, offset);
  return Buffer.concat([...counted, last, Buffer.from(comment, 'latin1')]);
}

/** More entries than the format's first version could count. */
function largeEnding(count: number, directoryBytes: number, offset: number): Buffer[] {
  const record = Buffer.alloc(56);
  record.writeUInt32LE(0x06064b50, 0);
  record.writeBigUInt64LE(44n, 4); // bytes that follow
  record.writeUInt16LE(MADE_BY, 12);
  record.writeUInt16LE(45, 14);
  record.writeBigUInt64LE(BigInt(count), 24);
  record.writeBigUInt64LE(BigInt(count), 32);
  record.writeBigUInt64LE(BigInt(directoryBytes), 40);
  record.writeBigUInt64LE(BigInt(offset), 48);
  const locator = Buffer.alloc(20);
  locator.writeUInt32LE(0x07064b50, 0);
  locator.writeBigUInt64LE(BigInt(offset + directoryBytes), 8);
  locator.writeUInt32LE(1, 16);
  return [record, locator];
}

/** From the flags to the size: the same in both places. */
function writeCommon(entry: ZipEntry, content: ZipContent, to: Buffer): void {
  to.writeUInt16LE(NAMES_ARE_UTF8 | (entry.described ? SIZES_FOLLOW : 0), 0);
  to.writeUInt16LE(entry.deflated ? 8 : 0, 2);
  to.writeUInt16LE(TIME, 4);
  to.writeUInt16LE(DATE, 6);
  to.writeUInt32LE(content.crc32, 8);
  to.writeUInt32LE(content.storedSize, 12);
  to.writeUInt32LE(content.size, 16);
}
