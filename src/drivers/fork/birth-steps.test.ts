import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { firstOf, forkSteps, initSteps, onOurClock } from './birth-steps.ts';
import { readInitDone } from './init-report.ts';

const flat = (steps: readonly { name: string; atMs: number; ms: number }[]): unknown[] => steps.map((s) => [s.name, s.atMs, s.ms]);

describe('the steps of a birth', () => {
  it('follow each other from the order to the greeting', () => {
    const born = { takenMs: 12, forkedMs: 13, connectedMs: 13.5, confinedMs: 15 };
    assert.deepEqual(flat(forkSteps('instance', 10, born, 16)), [
      ['wait', 10, 2],
      ['fork', 12, 1],
      ['connect', 13, 0.5],
      ['confine', 13.5, 1.5],
      ['greet', 15, 1],
    ]);
  });

  it('never go back, nor beyond the greeting, whatever a child says', () => {
    const born = { takenMs: 5, forkedMs: 99, connectedMs: 11, confinedMs: 12 };
    const steps = forkSteps('instance', 10, born, 16);
    assert.ok(steps.every((s) => s.ms >= 0));
    assert.equal(
      steps.reduce((sum, s) => sum + s.ms, 0),
      6,
    );
  });

  it('are told on our own clock, or not at all', () => {
    const born = { takenMs: 1_001, forkedMs: 1_002, connectedMs: 1_003, confinedMs: 1_004 };
    assert.deepEqual(onOurClock(born, 1_000), { takenMs: 1, forkedMs: 2, connectedMs: 3, confinedMs: 4 });
    for (const nonsense of [null, undefined, 7, {}, { ...born, takenMs: 'x' }, { ...born, forkedMs: Number.NaN }])
      assert.equal(onOurClock(nonsense, 0), null);
  });

  it('the first child waited for what its parent did', () => {
    const [first] = firstOf('runtime', [{ of: 'snapshot', name: 'wait', atMs: 1, ms: 2 }], 'rehearse');
    assert.deepEqual(first, { of: 'runtime', name: 'rehearse', atMs: 1, ms: 2 });
    assert.deepEqual(firstOf('runtime', [], 'rehearse'), []);
  });
});

describe('an init phase', () => {
  const done = { durationMs: 30, setUpMs: 2, importMs: 20, userMs: 5, slowestModules: [], unforkable: null, restores: false };

  it('is set up, imports, the rest, and the look whether it may be forked', () => {
    assert.deepEqual(flat(initSteps('snapshot', 100, done, 130)), [
      ['setUp', 100, 2],
      ['import', 102, 20],
      ['userInit', 122, 5],
      ['check', 127, 3],
    ]);
  });

  it('is never longer than we saw', () => {
    const steps = initSteps('snapshot', 100, { ...done, importMs: 1e9 }, 130);
    assert.equal(
      steps.reduce((sum, s) => sum + s.ms, 0),
      30,
    );
  });

  it('is read as what a database takes, whatever user code wrote in the place of the shim', () => {
    const module = { name: 'a\u0000b\ud800', ms: 1 };
    const said = { durationMs: -1, importMs: 'x', slowestModules: [module, null, 7, { name: 3 }], unforkable: 'why\u0000' };
    const read = readInitDone(said, 50);
    assert.deepEqual(read, {
      durationMs: 0,
      setUpMs: 0,
      importMs: 0,
      userMs: 0,
      slowestModules: [{ name: 'a\ufffdb\ufffd', ms: 1 }],
      unforkable: 'why\ufffd',
      restores: false,
    });
    const many = readInitDone(
      { slowestModules: Array.from({ length: 50 }, () => ({ name: 'm'.repeat(9_999), ms: 1e9 })), durationMs: Number.POSITIVE_INFINITY },
      50,
    );
    assert.deepEqual([many.slowestModules.length, many.slowestModules[0]?.name.length], [10, 300]);
    assert.deepEqual([many.durationMs, many.slowestModules[0]?.ms], [50, 50]); // what we saw
  });
});
