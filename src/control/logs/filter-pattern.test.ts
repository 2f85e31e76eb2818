import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { filterPattern } from './filter-pattern.ts';

const fits = (pattern: string, message: string): boolean => filterPattern(pattern)(message);

describe('filter patterns of terms', () => {
  const cases: [pattern: string, message: string, fits: boolean][] = [
    ['', 'anything', true],
    ['ERROR', 'an ERROR happened', true],
    ['ERROR', 'an error happened', false],
    ['ERROR disk', 'disk ERROR', true],
    ['ERROR disk', 'ERROR', false],
    ['"not found"', 'it was not found', true],
    ['"not found"', 'found not', false],
    [String.raw`"say \"no\""`, 'they say "no"', true],
    ['ERROR -EXITING', 'ERROR', true],
    ['ERROR -EXITING', 'ERROR, EXITING', false],
    ['-"all is well"', 'all is well', false],
    ['?ERROR ?WARN', 'WARN', true],
    ['?ERROR ?"to warn"', 'to warn', true],
    ['?ERROR ?WARN', 'INFO', false],
    // As there: with others beside them they don't count.
    ['?ERROR INFO', 'INFO', true],
  ];
  for (const [pattern, message, expected] of cases) it(`${pattern} | ${message}`, () => assert.equal(fits(pattern, message), expected));

  for (const pattern of ['a.b', '"open', '%re%', '[ip, user]', '--x'])
    it(`refuses ${pattern}`, () => assert.throws(() => filterPattern(pattern), { name: 'InvalidParameterException' }));
});

describe('JSON filter patterns', () => {
  const message = JSON.stringify({
    level: 'ERROR',
    ms: 12.5,
    ok: false,
    none: null,
    request: { path: '/a/b', 'user-agent': 'x y' },
    codes: [404, 500],
    items: [{ id: 'a' }, { id: 'b' }],
  });
  const cases: [pattern: string, fits: boolean][] = [
    ['{ $.level = "ERROR" }', true],
    ['{$.level=ERROR}', true],
    ['{ $.level = "ERR*" }', true],
    ['{ $.level != "ERROR" }', false],
    ['{ $.missing != "ERROR" }', false],
    ['{ $.ms > 12 && $.ms <= 12.5 }', true],
    ['{ $.ms < 12 || $.level = "ERROR" }', true],
    ['{ $.ms < 12 && ($.level = "ERROR" || $.ok IS FALSE) }', false],
    ['{ $.ms = 1.25e1 }', true],
    ['{ $.level > 1 }', false],
    ['{ $.ok IS FALSE }', true],
    ['{ $.ok IS TRUE }', false],
    ['{ $.none IS NULL }', true],
    ['{ $.gone NOT EXISTS }', true],
    ['{ $.none NOT EXISTS }', false],
    ['{ $.request.path = "/a/*" }', true],
    ['{ $.request.user-agent = "x y" }', true],
    ['{ $.request[\'path\'] = "/a/b" }', true],
    ['{ $.codes[1] = 500 }', true],
    ['{ $.codes[0] = 5* }', false],
    ['{ $.codes[*] = 5* }', true],
    ['{ $.items[*].id = "b" }', true],
  ];
  for (const [pattern, expected] of cases) it(pattern, () => assert.equal(fits(pattern, message), expected));

  it('fits nothing that is no JSON', () => assert.equal(fits('{ $.level = "ERROR" }', 'ERROR {"level":"ERROR"'), false));

  const refused = [
    '{ }',
    '{ $.a = }',
    '{ $.a = 1',
    '{ a = 1 }',
    '{ $.a ~ 1 }',
    '{ $.a > "x" }',
    '{ $.a = 1 } more',
    `{ ${'('.repeat(200)}$.a = 1`,
    '{ $.a = %x% }',
  ];
  for (const pattern of refused)
    it(`refuses ${pattern.slice(0, 30)}`, () => assert.throws(() => filterPattern(pattern), { name: 'InvalidParameterException' }));
});
