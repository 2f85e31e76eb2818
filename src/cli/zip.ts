import { createReadStream } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { pipeline, Readable } from 'node:stream';
import { crc32, createDeflateRaw, deflateRawSync } from 'node:zlib';
import { describing, directoryRecord, ending, heading, ZIP_LIMIT, type ZipContent, type ZipEntry } from '../lib/zip-records.ts';
import { CliError } from './errors.ts';
import type { PackagedFile } from './package-folder.ts';

/** What deflate can't make smaller. */
const DENSE = /\.(?:zip|gz|br|zst|xz|bz2|7z|jpe?g|png|webp|gif|mp[34]|woff2|whl|gguf|safetensors|onnx|pt|pth)$/i;
/** The fastest: it is inflated again at once. */
const LEVEL = 1;
/** Less is not worth deflate's own memory, which is cleared for each. */
const TINY_BYTES = 512;
/** What is read in one go, so many at once; larger files come through in pieces. */
const SMALL_BYTES = 1024 * 1024;
const AT_ONCE = 16;
/** Pieces go out together: each is a write here and one where it arrives. */
const SENT_BYTES = 256 * 1024;

/** A file's part of the zip. What is to be said of it in the end is known when all pieces have come. */
interface Part {
  readonly pieces: Iterable<Buffer> | AsyncIterable<Buffer>;
  readonly content: () => ZipContent;
}

/**
 * A zip of the files, as it is being written. The same files give the same bytes wherever and whenever that is: times
 * are fixed, and of the mode only "executable" is kept; so what did not change is known by its digest.
 */
export function zipOf(files: readonly PackagedFile[]): Readable {
  return Readable.from(gathered(zipped(files)), { objectMode: false });
}

async function* zipped(files: readonly PackagedFile[]): AsyncGenerator<Buffer> {
  const directory: Buffer[] = [];
  let at = 0;
  try {
    for await (const { entry, part } of partsOf(files)) {
      const offset = at;
      for await (const piece of part.pieces) {
        at += piece.length;
        if (at >= ZIP_LIMIT) throw new Error('packed, it would have 4 GB or more');
        yield piece;
      }
      directory.push(directoryRecord(entry, part.content(), offset));
    }
  } catch (error) {
    const message = `can't pack the folder: ${(error as Error).message}`;
    throw new CliError(message, { fix: 'did a file change just then? try again', cause: error });
  }
  const records = Buffer.concat(directory);
  yield records;
  yield ending(files.length, records.length, at);
}

async function* partsOf(files: readonly PackagedFile[]): AsyncGenerator<{ entry: ZipEntry; part: Part }> {
  for (let first = 0; first < files.length; first += AT_ONCE) {
    const some = files.slice(first, first + AT_ONCE);
    const read = await Promise.all(some.map(async (file) => (file.bytes > SMALL_BYTES ? null : readFile(file.absolute))));
    for (const [i, { path: name, absolute, executable, bytes }] of some.entries()) {
      const mode = executable ? 0o100755 : 0o100644;
      const entry = { name, mode, deflated: bytes >= TINY_BYTES && !DENSE.test(name), described: true };
      const whole = read[i] ?? null;
      yield { entry, part: whole === null ? large(entry, absolute) : small(entry, whole) };
    }
  }
}

function small(entry: ZipEntry, bytes: Buffer): Part {
  const stored = entry.deflated ? deflateRawSync(bytes, { level: LEVEL }) : bytes;
  const content = { crc32: crc32(bytes), storedSize: stored.length, size: bytes.length };
  return { pieces: [heading(entry), stored, describing(content)], content: () => content };
}

function large(entry: ZipEntry, path: string): Part {
  const content = { crc32: 0, storedSize: 0, size: 0 };
  async function* summed(chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
    for await (const chunk of chunks) {
      content.crc32 = crc32(chunk, content.crc32);
      content.size += chunk.length;
      yield chunk;
    }
  }
  async function* pieces(): AsyncGenerator<Buffer> {
    yield heading(entry);
    const plain = createReadStream(path);
    // What fails is thrown to who reads from the last of them.
    const stored = entry.deflated ? pipeline(plain, summed, createDeflateRaw({ level: LEVEL }), () => undefined) : summed(plain);
    for await (const chunk of stored as AsyncIterable<Buffer>) {
      content.storedSize += chunk.length;
      yield chunk;
    }
    yield describing(content);
  }
  return { pieces: pieces(), content: () => content };
}

async function* gathered(pieces: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let held: Buffer[] = [];
  let bytes = 0;
  for await (const piece of pieces) {
    held.push(piece);
    bytes += piece.length;
    if (bytes < SENT_BYTES) continue;
    yield Buffer.concat(held);
    [held, bytes] = [[], 0];
  }
  yield Buffer.concat(held);
}
