import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ignoring } from './ignore.ts';

describe('ignore rules', () => {
  const cases: readonly (readonly [rules: string, path: string, isFolder: boolean, ignored: boolean])[] = [
    ['*.log', 'a.log', false, true],
    ['*.log', 'deep/er/a.log', false, true],
    ['*.log', 'a.log.txt', false, false],
    ['/a.txt', 'a.txt', false, true],
    ['/a.txt', 'b/a.txt', false, false],
    ['data/raw', 'data/raw', true, true],
    ['data/raw', 'x/data/raw', true, false],
    ['build/', 'build', true, true],
    ['build/', 'build', false, false],
    ['build/', 'x/build', true, true],
    ['**/cache', 'a/b/cache', true, true],
    ['**/cache', 'cache', true, true],
    ['docs/**', 'docs/a/b.md', false, true],
    ['docs/**', 'docs', true, false],
    ['a/**/z', 'a/z', false, true],
    ['a/**/z', 'a/b/c/z', false, true],
    ['?.js', 'a.js', false, true],
    ['?.js', 'ab.js', false, false],
    ['[a-c].js', 'b.js', false, true],
    ['[!a-c].js', 'b.js', false, false],
    ['*.log\n!keep.log', 'keep.log', false, false],
    ['!keep.log\n*.log', 'keep.log', false, true],
    ['# a.txt', 'a.txt', false, false],
    ['\\#a', '#a', false, true],
    ['a.txt  ', 'a.txt', false, true],
    ['a.txt\r', 'a.txt', false, true],
    ['a+(b).txt', 'a+(b).txt', false, true],
    ['a.txt', 'aXtxt', false, false],
    ['', 'a', false, false],
    ['/', 'a', true, false],
  ];
  for (const [rules, path, isFolder, ignored] of cases) {
    it(`${JSON.stringify(rules)} ${ignored ? 'leaves out' : 'keeps'} ${path}${isFolder ? '/' : ''}`, () => {
      assert.equal(ignoring(rules.split('\n'))(path, isFolder), ignored);
    });
  }
});
