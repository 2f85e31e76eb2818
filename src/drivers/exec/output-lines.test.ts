import assert from 'node:assert/strict';
import { PassThrough, Readable } from 'node:stream';
import { describe, it } from 'node:test';
import { OutputLines } from './output-lines.ts';
import { CollectedLog } from './testing/fixtures.ts';

const COUNT = 20_000;
const NUMBERS = Array.from({ length: COUNT }, (_, i) => String(i % 10));
const MANY = `${NUMBERS.join('\n')}\n`;

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** A program that prints what the test pushes. */
function printing() {
  const lines: [string | null, string][] = [];
  const stream = new Readable({ read: () => {} });
  const output = new OutputLines({ line: (requestId, text) => lines.push([requestId, text]) }, [stream]);
  return { lines, stream, output, texts: () => lines.map(([, text]) => text) };
}

describe('lines that a program prints', { timeout: 20_000 }, () => {
  it('are passed on a few thousand a turn, in their order, and then more is read', async () => {
    const { lines, stream, texts } = printing();
    stream.push(MANY);
    stream.push('last\n');
    const turns: number[] = [];
    while (lines.length < COUNT + 1) {
      await turn();
      turns.push(lines.length - turns.reduce((sum, n) => sum + n, 0));
    }
    assert.ok(
      turns.every((n) => n < 5_000),
      String(turns),
    );
    assert.deepEqual(texts(), [...NUMBERS, 'last']);
    stream.destroy();
  });

  it("are all there, and the request's that ran, once it has been waited for them", async () => {
    const { lines, stream, output } = printing();
    output.belongTo('a');
    stream.push(MANY);
    await turn();
    assert.ok(lines.length > 0 && lines.length < COUNT);
    stream.push(`${MANY}without an end`);
    await output.drain();
    output.belongTo('b');
    stream.push('next\n');
    await output.drain();
    assert.deepEqual([lines.length, ...lines.slice(-2)], [2 * COUNT + 2, ['a', 'without an end'], ['b', 'next']]);
    assert.ok(lines.slice(0, -1).every(([requestId]) => requestId === 'a'));
    stream.destroy();
  });

  it('are all there when the program has ended', async () => {
    const { stream, output, texts } = printing();
    stream.push(`${MANY}last`);
    stream.push(null);
    await output.end();
    assert.deepEqual(texts(), [...NUMBERS, 'last']);
  });

  it('are cut where they are too long', async () => {
    const { stream, output, texts } = printing();
    stream.push(`short\n${'x'.repeat(600 * 1024)}`);
    await output.drain();
    assert.deepEqual(
      texts().map(({ length }) => length),
      [5, 256 * 1024, 256 * 1024, 88 * 1024],
    );
    stream.destroy();
  });

  it('gives what was printed of a line to the request that ran then, and the rest to the next', async () => {
    const log = new CollectedLog();
    const [stdout, stderr] = [new PassThrough(), new PassThrough()];
    const output = new OutputLines(log, [stdout, stderr]);
    output.belongTo('r-1');
    stdout.write('one\ntwo, ');
    await output.drain();
    output.belongTo(null);
    stderr.write('of nobody'); // by a process that r-1 left behind
    await new Promise((resolve) => setImmediate(resolve));
    output.belongTo('r-2');
    stderr.write('mine\n');
    stdout.end('three\n');
    await output.end();
    assert.deepEqual(log.of('r-1'), ['one', 'two, ']);
    assert.deepEqual(log.of(null), ['of nobody']);
    assert.deepEqual(log.of('r-2').toSorted(), ['mine', 'three']);
  });
});
