import assert from 'node:assert/strict';
import { test } from 'node:test';
import { displayWidth } from './display-width.ts';

test('counts the columns of a terminal, not characters or code units', () => {
  const cases: [string, number][] = [
    ['', 0],
    ['detect', 6],
    ['ñandú', 5],
    ['n\u0303', 1],
    ['漢字.jpg', 8],
    ['한국', 4],
    ['😀', 2],
    ['…', 1],
    ['✓ 3', 3],
  ];
  for (const [text, width] of cases) assert.equal(displayWidth(text), width, text);
});
