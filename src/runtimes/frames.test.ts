import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { describe, it } from 'node:test';
import { FrameDecoder, FrameError, decodeJson, encodeFrame, encodeJsonFrame } from './frames.ts';
import { Frame, MAX_FRAME_BYTES } from './protocol.ts';

type Seen = [number, number, string];

function collect(): { seen: Seen[]; decoder: FrameDecoder } {
  const seen: Seen[] = [];
  const decoder = new FrameDecoder((type, request, payload) => seen.push([type, request, payload.toString('latin1')]));
  return { seen, decoder };
}

const stream = Buffer.concat([
  encodeJsonFrame(Frame.hello, 0, { protocol: 1, token: 'tøken' }),
  encodeFrame(Frame.eventEnd, 7, null),
  encodeFrame(Frame.answer, 0xfffffffe, Buffer.from([0, 1, 2, 255])),
]);
const expected: Seen[] = [
  [Frame.hello, 0, Buffer.from('{"protocol":1,"token":"tøken"}').toString('latin1')],
  [Frame.eventEnd, 7, ''],
  [Frame.answer, 0xfffffffe, '\u0000\u0001\u0002\u00ff'],
];

describe('frame decoder', () => {
  it('gives the same frames wherever the stream is split in two', () => {
    for (let cut = 0; cut <= stream.length; cut++) {
      const { seen, decoder } = collect();
      decoder.push(stream.subarray(0, cut));
      decoder.push(stream.subarray(cut));
      assert.deepEqual(seen, expected, `split at ${cut}`);
      assert.ok(decoder.idle);
    }
  });

  it('gives the same frames byte by byte', () => {
    const { seen, decoder } = collect();
    for (const byte of stream) decoder.push(Buffer.from([byte]));
    assert.deepEqual(seen, expected);
  });

  it('hands on a frame that lies within a chunk without copying it', () => {
    const chunk = encodeFrame(Frame.answer, 1, Buffer.from('abc'));
    let payload: Buffer | undefined;
    new FrameDecoder((_type, _request, p) => (payload = p)).push(chunk);
    assert.equal(payload?.buffer, chunk.buffer);
  });

  it('says that a stream ended within a frame', () => {
    const { decoder } = collect();
    decoder.push(stream.subarray(0, stream.length - 1));
    assert.equal(decoder.idle, false);
  });

  it('refuses a frame longer than allowed before its bytes arrive', () => {
    const head = Buffer.alloc(4);
    head.writeUInt32BE(MAX_FRAME_BYTES + 6);
    assert.throws(() => collect().decoder.push(head), FrameError);
    const exact = encodeFrame(Frame.answer, 1, Buffer.alloc(MAX_FRAME_BYTES));
    const { seen, decoder } = collect();
    decoder.push(exact);
    assert.equal(seen.length, 1);
  });

  it('refuses a frame too short to have a header', () => {
    assert.throws(() => collect().decoder.push(Buffer.from([0, 0, 0, 4, 1, 2, 3, 4])), /shorter than its header/);
  });

  it('never does anything with random bytes but give frames or throw FrameError', () => {
    for (let round = 0; round < 500; round++) {
      const { decoder } = collect();
      try {
        for (let i = 0; i < 8; i++) decoder.push(randomBytes(1 + (round % 64)));
      } catch (error) {
        assert.ok(error instanceof FrameError, String(error));
      }
    }
  });
});

describe('JSON payloads', () => {
  it('refuses what is not an object', () => {
    for (const text of ['', 'null', '[]', '1', '{', '\u0000']) assert.throws(() => decodeJson(Buffer.from(text)), FrameError, text);
    assert.deepEqual(decodeJson(Buffer.from('{"a":1}')), { a: 1 });
  });
});
