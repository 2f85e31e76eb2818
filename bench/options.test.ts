import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { chosen, Misunderstood, parseOptions } from './options.ts';

describe('options of a benchmark', () => {
  it('are what was given, and nothing for what was not', () => {
    const { name, json, help, n, seconds, only } = parseOptions(['cold', '--json', '--n', '20', '--seconds', '0.5', '--only', 'a,b']);
    assert.deepEqual(
      { name, json, help, n, seconds, only },
      { name: 'cold', json: true, help: false, n: 20, seconds: 0.5, only: ['a', 'b'] },
    );
    const none = parseOptions([]);
    assert.deepEqual([none.name, none.json, none.n, none.only], [null, false, null, null]);
    assert.equal(parseOptions(['--help']).help, true);
    assert.equal(parseOptions(['cold', '-h']).help, true);
  });

  it('that do not exist, or say nothing, are refused in words', () => {
    const refused: [string[], string][] = [
      [['cold', '--nosuch'], 'there is no option --nosuch'],
      [['cold', '--nosuch=3'], 'there is no option --nosuch'],
      [['cold', '-x'], 'there is no option -x'],
      [['cold', '--n', 'few'], '--n takes a number above 0, not few'],
      [['cold', '--n', '1.5'], '--n takes a whole number, not 1.5'],
      [['cold', 'peers'], 'one benchmark at a time, or all: not cold peers'],
    ];
    for (const [args, message] of refused) {
      assert.throws(
        () => parseOptions(args),
        (error) => error instanceof Misunderstood && error.message === message,
        args.join(' '),
      );
    }
  });

  it('choose of what there is, in its order', () => {
    const all = ['disk', 'zygote', 'snapshot'];
    assert.deepEqual(chosen('rungs', null, all), all);
    assert.deepEqual(chosen('rungs', ['snapshot', 'disk'], all), ['disk', 'snapshot']);
    for (const asked of [['warm'], ['disk', 'warm']])
      assert.throws(() => chosen('rungs', asked, all), { message: '--rungs takes disk, zygote, snapshot: not warm' });
    assert.throws(() => chosen('rungs', [], all), { message: '--rungs takes disk, zygote, snapshot: not nothing' });
  });
});
