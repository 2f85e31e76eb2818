import assert from 'node:assert/strict';
import type { Socket } from 'node:net';
import { Readable } from 'node:stream';
import { describe, it } from 'node:test';
import { VirtualClock } from '../../lib/virtual-clock.ts';
import { logMark } from '../../runtimes/protocol.ts';
import { LogStream } from './log-stream.ts';

const TOKEN = '0b9f8a5e-8f0e-4f39-a3e1-2a5c6b1d7e90';
const mark = (id: string): string => `${logMark(TOKEN)}${id}\n`;

function stream(concurrency = 1) {
  const lines: [string | null, string][] = [];
  const clock = new VirtualClock();
  const log = new LogStream({ token: TOKEN, clock, concurrency, sink: { line: (id, text) => lines.push([id, text]) } });
  return { lines, clock, log, push: (text: string | Buffer) => log.push(Buffer.from(text as string)) };
}

/** Whether a promise has settled by now. */
async function settled(promise: Promise<void> | null): Promise<boolean> {
  let yes = false;
  void Promise.resolve(promise).then(() => (yes = true));
  await new Promise((resolve) => setImmediate(resolve));
  return yes;
}

describe('log stream', () => {
  it('gives the same lines wherever the stream is split', async () => {
    const bytes = Buffer.from(`init\nöne\r\ntwo${mark('a')}between\n${mark('b')}`);
    for (let cut = 0; cut <= bytes.length; cut++) {
      const { lines, log } = stream();
      log.begin('a');
      log.push(bytes.subarray(0, cut));
      log.push(bytes.subarray(cut));
      assert.deepEqual(
        lines,
        [
          ['a', 'init'],
          ['a', 'öne'],
          ['a', 'two'],
          [null, 'between'],
        ],
        `cut at ${cut}`,
      );
      assert.ok(await settled(log.finish('a', true)));
    }
  });

  it('holds an invocation open until its mark, whose lines it gets even when the next has begun', async () => {
    const { lines, log, push } = stream();
    log.begin('a');
    const logged = log.finish('a', true);
    log.begin('b');
    push('late\n');
    assert.equal(await settled(logged), false);
    push(`${mark('a')}next\n`);
    assert.ok(await settled(logged));
    assert.deepEqual(lines, [
      ['a', 'late'],
      ['b', 'next'],
    ]);
  });

  it('waits for no mark that was not written', () => {
    const { lines, log, push } = stream();
    log.begin('a');
    push('said\nwithout an end');
    assert.equal(log.finish('a', false), null);
    push('between\n');
    assert.deepEqual(lines, [
      ['a', 'said'],
      ['a', 'without an end'],
      [null, 'between'],
    ]);
  });

  it('passes on once what a socket that waits for its turn has read ahead', () => {
    const { lines, log } = stream();
    const socket = new Readable({ read: () => {} });
    log.attach(socket as Socket, Buffer.alloc(0));
    log.begin('a');
    socket.pause();
    socket.push('one\n');
    socket.push('two\n');
    assert.equal(log.finish('a', false), null);
    assert.deepEqual(lines, [
      ['a', 'one'],
      ['a', 'two'],
    ]);
    log.end();
  });

  it('takes a turn for nothing but lines, in their order; an answer has all of them at once', async () => {
    const { lines, log } = stream();
    const socket = new Readable({ read: () => {} });
    log.attach(socket as Socket, Buffer.alloc(0));
    const count = 20_000;
    const all = Array.from({ length: count }, (_, i) => String(i % 10));
    socket.push(`${all.join('\n')}\n`);
    const turns: number[] = [];
    while (lines.length < count) {
      await new Promise((resolve) => setImmediate(resolve));
      turns.push(lines.length - turns.reduce((sum, n) => sum + n, 0));
    }
    assert.ok(
      turns.every((n) => n < 5_000),
      String(turns),
    );
    assert.deepEqual(
      lines.map(([, text]) => text),
      all,
    );
    lines.length = 0;
    log.begin('a');
    socket.push(`${all.join('\n')}\n`);
    await new Promise((resolve) => setImmediate(resolve));
    socket.push('last\n');
    assert.ok(lines.length < count);
    assert.equal(log.finish('a', false), null);
    assert.deepEqual([lines.length, lines.at(-1)], [count + 1, ['a', 'last']]);
    log.end();
  });

  it('passes on what waits for its turn when the stream ends', () => {
    const { lines, log, push } = stream();
    push(`${'\n'.repeat(20_000)}last`);
    assert.ok(lines.length < 20_000);
    log.end();
    assert.deepEqual([lines.length, lines.at(-1)], [20_001, [null, 'last']]);
  });

  it('attributes to several only what names its invocation', () => {
    const { lines, log, push } = stream(4);
    log.begin('a');
    log.begin('b');
    push('whose\n2026-11-22T00:00:00Z\tb\tINFO\tmine\n');
    push(mark('a'));
    push('only one left\n');
    assert.deepEqual(
      lines.map(([id]) => id),
      [null, 'b', 'b'],
    );
  });

  it('does not wait for ever for a mark, nor past the end of the stream', async () => {
    const { clock, log, push, lines } = stream();
    log.begin('a');
    const logged = log.finish('a', true);
    await clock.advance(1_000);
    assert.ok(await settled(logged));
    log.begin('b');
    const other = log.finish('b', true);
    push('no newline');
    log.end();
    assert.ok((await settled(other)) && (await settled(log.closed)));
    assert.deepEqual(lines, [['b', 'no newline']]);
    assert.ok(await settled(log.finish('c', true)));
  });

  it('takes a mark of another token for text, made harmless', () => {
    const { lines, log, push } = stream();
    log.begin('a');
    push(`\u0000someone:a\n`);
    assert.deepEqual(lines, [['a', '\ufffdsomeone:a']]);
  });

  it('makes bytes that are no UTF-8 harmless', () => {
    const { lines, push } = stream();
    push(Buffer.from([0xff, 0xfe, 0x41, 0x0a]));
    assert.deepEqual(lines, [[null, '\ufffd\ufffdA']]);
  });

  it('cuts a long line between characters and not within a mark, holding no more than a line', async () => {
    const limit = 256 * 1024;
    const { lines, log, push } = stream();
    push(`${'ä'.repeat(limit)}\n`);
    assert.deepEqual(
      lines.map(([, text]) => text.length),
      [limit / 2, limit / 2],
    );
    lines.length = 0;
    log.begin('a');
    const text = 'x'.repeat(limit - 5);
    for (const byte of [...text.match(/.{1,4096}/g)!, ...mark('a').split('')]) push(byte);
    assert.deepEqual(
      lines.map(([, line]) => line),
      [text],
    );
    assert.ok(await settled(log.finish('a', true)));
  });
});
