import assert from 'node:assert/strict';
import { test } from 'node:test';
import { byNameAndVersion, byVersion, pageOf, type KeyOrder, type Page } from './pages.ts';

/** All pages, while whoever reads them deletes what a page has before asking for the next. */
function emptied(keys: readonly string[], size: number, order?: KeyOrder): string[] {
  let left = [...keys];
  const seen: string[] = [];
  for (let marker: string | undefined = ''; marker !== undefined;) {
    const page: Page<string> = pageOf(left, { MaxItems: size, Marker: marker }, (k) => k, order);
    seen.push(...page.items);
    left = left.filter((k) => !page.items.includes(k));
    marker = page.next.NextMarker;
  }
  return seen;
}

test('who deletes each page before the next meets every item once', () => {
  const functions = ['p', 'p-a', 'p-b', 'p_c', 'p1', 'q'].sort().map((name) => `${name}:$LATEST`);
  assert.deepEqual(emptied(functions, 2, byNameAndVersion), functions);
  const versions = ['$LATEST', ...Array.from({ length: 25 }, (_, i) => String(i + 1))];
  assert.deepEqual(emptied(versions, 4, byVersion), versions);
  const newest = versions.slice(1).reverse();
  assert.deepEqual(
    emptied(newest, 4, (a, b) => byVersion(b, a)),
    newest,
  );
  assert.deepEqual(emptied(['$LATEST', 'Live', 'beta', 'live'], 1), ['$LATEST', 'Live', 'beta', 'live']);
});

test('versions of several functions are in the order of their names, then of their numbers', () => {
  const keys = ['a:$LATEST', 'a:2', 'a:10', 'a-b:$LATEST', 'a-b:1'];
  assert.deepEqual(emptied(keys, 2, byNameAndVersion), keys);
});

test('a marker that none of its pages gave is refused', () => {
  const marker = Buffer.from('a b').toString('base64url');
  assert.throws(() => pageOf(['a'], { Marker: marker }, (key) => key), { code: 'InvalidParameterValueException' });
});
