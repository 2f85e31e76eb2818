import assert from 'node:assert/strict';
import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { systemClock } from '../../lib/clock.ts';
import { makeApart, makeThreaded, ownFolder, PREFIX, removeTree } from './cgroups.ts';
import { noLoopbacks } from './loopbacks.ts';

const missing = noLoopbacks(systemClock);

describe('cgroups of instances', { skip: missing ?? false }, () => {
  const within = (use: (folder: string) => void): void => {
    const base = join(ownFolder(), `${PREFIX}${process.pid}-999`);
    mkdirSync(base);
    try {
      makeThreaded(base);
      use(join(base, 'instance'));
    } finally {
      removeTree(base);
    }
  };

  test('one whose address is taken is made anew, with another', () =>
    within((folder) => {
      const refused: string[] = [];
      const address = makeApart(folder, (a) => refused.length < 3 && refused.push(a.join('.')) > 0);
      assert.equal(new Set([...refused, address.join('.')]).size, 4);
      assert.ok(existsSync(join(folder, 'cgroup.threads')));
    }));

  test('when every address is taken there is none, and nothing is left', () =>
    within((folder) => {
      assert.throws(() => makeApart(folder, () => true), /had the address of another instance/);
      assert.ok(!existsSync(folder));
    }));
});
