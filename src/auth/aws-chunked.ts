import { createHash } from 'node:crypto';
import { HearthError } from '../errors.ts';
import { sha256Hex } from './sigv4.ts';

/** Checks the signatures in an aws-chunked body, in order. Throws SignatureDoesNotMatch. */
export interface ChunkSignatures {
  /** `hash`: SHA-256 of the chunk's data, in hex. */
  chunk(hash: string, signature: string): void;
  /** `hash`: SHA-256 of the trailer's lines, in hex. */
  trailer(hash: string, signature: string): void;
}

export interface ChunkedOptions {
  /** Bytes of all data together, as the client announced them. */
  readonly length: number;
  /** Null when chunks are not signed. */
  readonly signatures: ChunkSignatures | null;
  /** Gets the headers that follow the data. */
  readonly trailers: Map<string, string>;
  /** Trailers that the client announced; no other is taken. */
  readonly trailerNames: ReadonlySet<string>;
}

/** Longest line between chunks. */
const LINE_BYTES = 8 * 1024;

/**
 * Decodes `aws-chunked`: chunks of `SIZE[;chunk-signature=HEX]`, their data, and at the end a chunk of size 0 and trailing headers.
 * Throws IncompleteBody when it is cut off, has another length than announced or is not of that form; SignatureDoesNotMatch.
 */
export async function* decodeChunks(body: AsyncIterable<Buffer>, o: ChunkedOptions): AsyncGenerator<Buffer> {
  const reader = new Reader(body);
  let left = o.length;
  for (;;) {
    const { size, signature } = chunkHead(await reader.line());
    left -= size;
    if (left < 0) throw incomplete();
    const hash = o.signatures === null ? null : createHash('sha256');
    for await (const piece of reader.take(size)) {
      hash?.update(piece);
      yield piece;
    }
    if (hash !== null) o.signatures?.chunk(hash.digest('hex'), signature);
    if (size === 0) break;
    if ((await reader.line()) !== '') throw incomplete();
  }
  if (left !== 0) throw incomplete();
  await readTrailers(reader, o);
  await reader.end();
}

async function readTrailers(reader: Reader, o: ChunkedOptions): Promise<void> {
  const lines: string[] = [];
  let signature: string | null = null;
  for (let line = await reader.line(true); line !== ''; line = await reader.line(true)) {
    const at = line.indexOf(':');
    const name = line.slice(0, at).trim().toLowerCase();
    const value = line.slice(at + 1).trim();
    if (at < 0 || lines.length > 20) throw malformedTrailer();
    if (name === 'x-amz-trailer-signature') {
      signature = value;
      continue;
    }
    if (!o.trailerNames.has(name)) throw malformedTrailer();
    o.trailers.set(name, value);
    lines.push(`${name}:${value}\n`);
  }
  if (o.trailers.size < o.trailerNames.size) throw malformedTrailer();
  if (o.signatures === null || o.trailerNames.size === 0) return;
  o.signatures.trailer(sha256Hex(lines.join('')), signature ?? '');
}

function chunkHead(line: string): { size: number; signature: string } {
  const m = /^([0-9a-fA-F]{1,12})(?:;chunk-signature=([0-9a-fA-F]{64}))?$/.exec(line);
  if (m?.[1] === undefined) throw incomplete();
  return { size: Number.parseInt(m[1], 16), signature: m[2] ?? '' };
}

/** Lines and counted bytes out of pieces of any size. */
class Reader {
  readonly #source: AsyncIterator<Buffer>;
  #held: Buffer = Buffer.alloc(0);

  constructor(body: AsyncIterable<Buffer>) {
    this.#source = body[Symbol.asyncIterator]();
  }

  /** The next line without its CRLF. `endIsEmpty`: an end of the body is an empty line, else IncompleteBody. */
  async line(endIsEmpty = false): Promise<string> {
    for (;;) {
      const at = this.#held.indexOf('\r\n');
      if (at >= 0) {
        const line = this.#held.toString('latin1', 0, at);
        this.#held = this.#held.subarray(at + 2);
        return line;
      }
      if (this.#held.length > LINE_BYTES) throw incomplete();
      const next = await this.#source.next();
      if (next.done === true) {
        if (endIsEmpty && this.#held.length === 0) return '';
        throw incomplete();
      }
      this.#held = this.#held.length === 0 ? next.value : Buffer.concat([this.#held, next.value]);
    }
  }

  /** Reads on to the end of the body, where nothing is to come that counts: only then is it over for who sends the next on its connection. */
  async end(): Promise<void> {
    while ((await this.#source.next()).done !== true);
  }

  async *take(size: number): AsyncGenerator<Buffer> {
    let left = size;
    while (left > 0) {
      if (this.#held.length === 0) {
        const next = await this.#source.next();
        if (next.done === true) throw incomplete();
        this.#held = next.value;
      }
      const piece = this.#held.subarray(0, left);
      this.#held = this.#held.subarray(piece.length);
      left -= piece.length;
      if (piece.length > 0) yield piece;
    }
  }
}

function incomplete(): HearthError {
  return new HearthError('IncompleteBody', 'The request body terminated unexpectedly');
}

function malformedTrailer(): HearthError {
  return new HearthError('InvalidRequest', 'The trailer of the body is malformed, or is not what x-amz-trailer announced.');
}
