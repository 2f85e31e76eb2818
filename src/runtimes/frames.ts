import { MAX_FRAME_BYTES } from './protocol.ts';
import type { FrameType } from './protocol.ts';

/** Bytes before a payload: length u32, type u8, request u32. */
export const FRAME_HEADER_BYTES = 9;

/** What follows the length field at least: type and request. */
const FIXED_BYTES = FRAME_HEADER_BYTES - 4;

/** The peer sent what can't be a frame; the connection must be closed, nothing after it can be trusted. */
export class FrameError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'FrameError';
  }
}

/** Takes one frame. `payload` may be a view of a larger chunk: copy what must outlive the call for long. */
export type OnFrame = (type: number, request: number, payload: Buffer) => void;

/**
 * Turns chunks of a stream into frames. A frame that lies within one chunk is handed on as a view of it, without a copy;
 * one that spans chunks is put together once, when its last byte is there.
 */
export class FrameDecoder {
  readonly #onFrame: OnFrame;
  #maxBytes: number;
  #parts: Buffer[] = [];
  #have = 0;
  /** Bytes of `#parts` needed before it is worth looking at them again. */
  #need = 0;

  constructor(onFrame: OnFrame, maxBytes = MAX_FRAME_BYTES) {
    this.#onFrame = onFrame;
    this.#maxBytes = maxBytes;
  }

  /** Whether the stream stands between two frames: an end here is clean. */
  get idle(): boolean {
    return this.#have === 0;
  }

  /** From now on payloads may be so long. */
  allow(maxBytes: number): void {
    this.#maxBytes = maxBytes;
  }

  /** Takes the next chunk and calls back for every frame it completes. Throws FrameError; the decoder is then useless. */
  push(chunk: Buffer): void {
    if (this.#have === 0) {
      this.#consume(chunk);
      return;
    }
    this.#parts.push(chunk);
    this.#have += chunk.length;
    if (this.#have < this.#need) return;
    const whole = Buffer.concat(this.#parts, this.#have);
    this.#parts = [];
    this.#have = 0;
    this.#consume(whole);
  }

  #consume(bytes: Buffer): void {
    let at = 0;
    let need = 4;
    while (bytes.length - at >= 4) {
      const length = bytes.readUInt32BE(at);
      if (length < FIXED_BYTES) throw new FrameError(`frame of ${length} bytes is shorter than its header`);
      if (length - FIXED_BYTES > this.#maxBytes)
        throw new FrameError(`frame of ${length} bytes is longer than the ${this.#maxBytes} allowed`);
      need = 4 + length;
      if (bytes.length - at < need) break;
      const end = at + need;
      this.#onFrame(bytes[at + 4]!, bytes.readUInt32BE(at + 5), bytes.subarray(at + FRAME_HEADER_BYTES, end));
      at = end;
      need = 4;
    }
    if (at === bytes.length) return;
    const rest = at === 0 ? bytes : bytes.subarray(at);
    this.#parts = [rest];
    this.#have = rest.length;
    this.#need = need;
  }
}

/** Writes a frame's header at `at`; returns where its payload begins. */
export function writeFrameHeader(into: Buffer, at: number, type: FrameType, head: { request: number; bytes: number }): number {
  into.writeUInt32BE(FIXED_BYTES + head.bytes, at);
  into[at + 4] = type;
  into.writeUInt32BE(head.request, at + 5);
  return at + FRAME_HEADER_BYTES;
}

/** A whole frame in a buffer of its own. */
export function encodeFrame(type: FrameType, request: number, payload: Buffer | null): Buffer {
  const bytes = payload?.length ?? 0;
  const frame = Buffer.allocUnsafe(FRAME_HEADER_BYTES + bytes);
  const at = writeFrameHeader(frame, 0, type, { request, bytes });
  payload?.copy(frame, at);
  return frame;
}

/** A whole frame whose payload is `value` as JSON. */
export function encodeJsonFrame(type: FrameType, request: number, value: unknown): Buffer {
  const json = JSON.stringify(value);
  const bytes = Buffer.byteLength(json);
  const frame = Buffer.allocUnsafe(FRAME_HEADER_BYTES + bytes);
  frame.write(json, writeFrameHeader(frame, 0, type, { request, bytes }), 'utf8');
  return frame;
}

/** A frame's payload as a JSON object; FrameError when it is none. */
export function decodeJson(payload: Buffer): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(payload.toString('utf8'));
  } catch (cause) {
    throw new FrameError(`frame holds no JSON: ${(cause as Error).message}`);
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new FrameError('frame holds no JSON object');
  return value as Record<string, unknown>;
}
