import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { AnswerPieces } from './answer-pieces.ts';

const MODULE = fileURLToPath(new URL('./answer-pieces.js', import.meta.url));
/** Single bytes of as many chunks as a socket would have read for them, and how much memory they take. */
const PROGRAM = `
  import { AnswerPieces } from ${JSON.stringify(MODULE)};
  const held = () => (gc(), process.memoryUsage().heapUsed + process.memoryUsage().external);
  const before = held();
  const pieces = new AnswerPieces();
  for (let i = 0; i < 100; i++) for (let chunk = Buffer.alloc(65536), at = 0; at < 50000; at += 10) pieces.push(chunk.subarray(at, at + 1));
  const bytes = held() - before;
  process.stdout.write(pieces.take().length + ' ' + bytes);`;

describe('pieces of an answer', () => {
  it('come out as they went in, of whatever sizes they are', () => {
    const pieces = new AnswerPieces();
    for (const round of [0, 1]) {
      const all: Buffer[] = [];
      for (let i = 0; i < 200; i++) {
        const piece = Buffer.alloc([1, 0, 16_384, 3_000, 16_383, 7, 70_000][i % 7]!, i + round);
        all.push(Buffer.from(piece));
        pieces.push(piece);
        assert.equal(
          pieces.bytes,
          all.reduce((sum, { length }) => sum + length, 0),
        );
        if (i > 20) piece.fill(0, 0, piece.length < 16_384 ? piece.length : 0); // those are copied
      }
      assert.ok(pieces.take().equals(Buffer.concat(all)));
      assert.equal(pieces.bytes, 0);
    }
    assert.equal(pieces.take().length, 0);
  });

  it('take little more memory than they have bytes', () => {
    const { stdout, stderr } = spawnSync(process.execPath, ['--expose-gc', '--input-type=module', '-e', PROGRAM], { encoding: 'utf8' });
    const [count, bytes] = stdout.split(' ').map(Number);
    assert.equal(count, 500_000, stderr);
    assert.ok(bytes! < 4_000_000, `${bytes} bytes`);
  });
});
