import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { fits } from './event-pattern.ts';

const event = {
  source: 'shop',
  detail: { price: 12, tags: ['new', 'red'], name: 'Hat.JPG', none: null, lines: [{ sku: 'a' }, { sku: 'b' }] },
};
const cases: readonly [string, object, boolean][] = [
  ['exact', { source: ['x', 'shop'] }, true],
  ['exact, not', { source: ['SHOP'] }, false],
  ['all members', { source: ['shop'], detail: { price: [13] } }, false],
  ['null', { detail: { none: [null] } }, true],
  ['an element of a list', { detail: { tags: ['red'] } }, true],
  ['members of a list of objects', { detail: { lines: { sku: ['b'] } } }, true],
  ['prefix and suffix', { detail: { name: [{ prefix: 'Hat' }] }, source: [{ suffix: 'op' }] }, true],
  ['suffix in any case', { detail: { name: [{ suffix: { 'equals-ignore-case': '.jpg' } }] } }, true],
  ['equals in any case', { source: [{ 'equals-ignore-case': 'SHOP' }] }, true],
  ['wildcard', { detail: { name: [{ wildcard: 'H*.J*' }] } }, true],
  ['wildcard is anchored', { detail: { name: [{ wildcard: '*.J' }] } }, false],
  ['numeric range', { detail: { price: [{ numeric: ['>', 10, '<=', 12] }] } }, true],
  ['numeric range, out', { detail: { price: [{ numeric: ['>', 12] }] } }, false],
  ['anything but', { source: [{ 'anything-but': ['a', 'b'] }] }, true],
  ['anything but a prefix', { source: [{ 'anything-but': { prefix: 'sh' } }] }, false],
  ['anything but, of a list', { detail: { tags: [{ 'anything-but': 'red' }] } }, false],
  ['exists', { detail: { price: [{ exists: true }] } }, true],
  ['does not exist', { detail: { weight: [{ exists: false }], price: [{ exists: false }] } }, false],
  ['missing', { detail: { weight: [1] } }, false],
  ['or', { $or: [{ source: ['x'] }, { detail: { price: [12] } }] }, true],
  ['inherited members are none', { constructor: [{ exists: true }] }, false],
  ['a test nobody knows', { source: [{ sounds: 'like' }] }, false],
];

describe('fits', () => {
  for (const [name, pattern, expected] of cases) it(name, () => assert.equal(fits(pattern as Record<string, unknown>, event), expected));
});
