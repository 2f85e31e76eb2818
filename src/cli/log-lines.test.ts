import assert from 'node:assert/strict';
import { test } from 'node:test';
import { logPrinter } from './log-lines.ts';
import { Output } from './output.ts';

function printed(texts: readonly string[], several = false): string[] {
  const written: string[] = [];
  const stream = { write: (text: string) => written.push(text) } as unknown as NodeJS.WriteStream;
  const out = new Output({ stdout: stream, stderr: stream, terminals: { stdin: false, stdout: false, stderr: false }, env: {} });
  const print = logPrinter({ out, clock: { now: () => 0 } }, several);
  for (const text of texts) print({ timeMs: 0, function: 'detect', stream: 'stdout', requestId: null, text });
  return written.map((line) => line.replace(/^\S+ /, ''));
}

test('a message of several lines is shown in lines, however its runtime has joined them', () => {
  assert.deepEqual(printed(['[ERROR] KeyError\rTraceback:\r  File "f.py"\n']), ['[ERROR] KeyError\nTraceback:\n  File "f.py"\n']);
  assert.deepEqual(printed(['of Windows\r\nin two\r\n', 'two\nlines\n', 'open']), ['of Windows\nin two\n', 'two\nlines\n', 'open\n']);
});

test('whose a line is, is said where several functions are shown', () => {
  assert.deepEqual(printed(['hello\n'], true), ['detect hello\n']);
});

test('a line of another day has its day', () => {
  const written: string[] = [];
  const stream = { write: (text: string) => written.push(text) } as unknown as NodeJS.WriteStream;
  const out = new Output({ stdout: stream, stderr: stream, terminals: { stdin: false, stdout: false, stderr: false }, env: {} });
  const at = (date: number): number => new Date(2026, 10, date, 23, 59, 59, 5).getTime();
  const print = logPrinter({ out, clock: { now: () => at(28) } }, false);
  for (const date of [27, 28]) print({ timeMs: at(date), function: 'f', stream: 'stdout', requestId: null, text: 'said' });
  assert.deepEqual(written, ['2026-11-27 23:59:59.005 said\n', '23:59:59.005 said\n']);
});
