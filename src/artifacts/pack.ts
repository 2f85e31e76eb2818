import { open, readdir, readlink, stat, type FileHandle } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';
import { crc32 } from 'node:zlib';
import { HearthError } from '../errors.ts';
import { together } from '../lib/together.ts';
import {
  DESCRIBING_BYTES,
  describing,
  directoryRecord,
  ending,
  heading,
  HEADING_BYTES,
  RECORD_BYTES,
  ZIP_LIMIT,
  type ZipContent,
  type ZipEntry,
} from '../lib/zip-records.ts';

/** Files that are read at once: each is small as a rule, and waits for the disk a few times. */
const AT_ONCE = 16;
/** So much of a file is read, and summed, in one go. */
const PIECE_BYTES = 4 * 1024 * 1024;

interface Packed {
  readonly entry: ZipEntry;
  readonly path: string;
  readonly size: number;
  /** A link's target; of a file its bytes are read straight to their place. */
  readonly target: Buffer | null;
}

/**
 * Packs a folder so that the same content always gives the same bytes: names sorted, one date, two modes, nothing compressed
 * (the digest must not depend on the zlib of the day). `comment`, in ASCII, becomes the zip's own comment. Throws InvalidParameterValueException
 * where that would be 4 GB or more.
 */
export async function pack(folder: string, comment = ''): Promise<Buffer> {
  const all = await listing(folder);
  const offsets: number[] = [];
  let size = 0;
  for (const one of all) {
    offsets.push(size);
    size += bytesOf(one);
  }
  const directoryBytes = all.reduce((sum, { entry }) => sum + RECORD_BYTES + Buffer.byteLength(entry.name), 0);
  const last = (offset: number): Buffer => ending(all.length, directoryBytes, offset, comment);
  const total = size + directoryBytes + last(0).length;
  if (total >= ZIP_LIMIT) throw new HearthError('InvalidParameterValueException', 'A package must be smaller than 4 GB');
  const zip = Buffer.allocUnsafe(total);
  const contents: ZipContent[] = [];
  await together(all.keys(), AT_ONCE, async (i) => {
    contents[i] = await fill(zip.subarray(offsets[i], offsets[i + 1] ?? size), all[i]!);
  });
  let at = size;
  for (const [i, { entry }] of all.entries()) at += directoryRecord(entry, contents[i]!, offsets[i]!).copy(zip, at);
  last(size).copy(zip, at);
  return zip;
}

function bytesOf({ entry, size }: Packed): number {
  return HEADING_BYTES + Buffer.byteLength(entry.name) + size + (entry.described ? DESCRIBING_BYTES : 0);
}

/** Writes an entry with its content to its place. */
async function fill(place: Buffer, { entry, path, size, target }: Packed): Promise<ZipContent> {
  const content = { crc32: target === null ? 0 : crc32(target), storedSize: size, size };
  const start = heading(entry, content).copy(place);
  target?.copy(place, start);
  if (!entry.described) return content;
  const read = { ...content, crc32: await readInto(place.subarray(start, start + size), path) };
  describing(read).copy(place, start + size);
  return read;
}

/** Reads a whole file to a place of its size; its checksum. */
async function readInto(place: Buffer, path: string): Promise<number> {
  const file: FileHandle = await open(path, 'r');
  try {
    let sum = 0;
    for (let at = 0; at < place.length;) {
      const { bytesRead } = await file.read(place, at, Math.min(PIECE_BYTES, place.length - at), at);
      if (bytesRead === 0) throw new Error(`${path} became shorter while it was packed`);
      sum = crc32(place.subarray(at, at + bytesRead), sum);
      at += bytesRead;
    }
    return sum;
  } finally {
    await file.close();
  }
}

/** Files, links and empty folders below a folder, by name. */
async function listing(folder: string): Promise<Packed[]> {
  const found = (await readdir(folder, { recursive: true, withFileTypes: true })).map((entry) => {
    const path = join(entry.parentPath, entry.name);
    return { entry, path, name: relative(folder, path).split(sep).join('/') };
  });
  const parents = new Set(found.map((f) => f.name.slice(0, Math.max(0, f.name.lastIndexOf('/')))));
  const named = found.filter((f) => !f.entry.isDirectory() || !parents.has(f.name)).sort((a, b) => (a.name < b.name ? -1 : 1));
  const packed: Packed[] = [];
  await together(named.entries(), AT_ONCE, async ([i, { entry, path, name }]) => {
    if (entry.isDirectory()) packed[i] = known(path, { name: `${name}/`, mode: 0o40755 }, Buffer.alloc(0));
    else if (entry.isSymbolicLink()) packed[i] = known(path, { name, mode: 0o120777 }, Buffer.from(await readlink(path)));
    else packed[i] = await file(path, name);
  });
  return packed;
}

async function file(path: string, name: string): Promise<Packed> {
  const { mode, size } = await stat(path);
  const entry = { name, mode: mode & 0o111 ? 0o100755 : 0o100644, deflated: false, described: true };
  return { entry, path, size, target: null };
}

function known(path: string, entry: Pick<ZipEntry, 'name' | 'mode'>, target: Buffer): Packed {
  return { entry: { ...entry, deflated: false, described: false }, path, size: target.length, target };
}
