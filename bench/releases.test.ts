import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Releases } from './releases.ts';

describe('Releases', () => {
  it('go in reverse order, one after the other, once', async () => {
    const gone: string[] = [];
    const releases = new Releases();
    releases.add(async () => {
      await Promise.resolve();
      gone.push('first');
    });
    releases.add(() => void gone.push('second'));
    await Promise.all([releases.end(), releases.end()]);
    await releases.end();
    assert.deepEqual(gone, ['second', 'first']);
  });

  it('all go although one fails, and the failure is told', async () => {
    const gone: string[] = [];
    const releases = new Releases();
    releases.add(() => void gone.push('first'));
    releases.add(() => {
      throw new Error('stuck');
    });
    await assert.rejects(releases.end(), /stuck/);
    assert.deepEqual(gone, ['first']);
  });

  it('what is acquired while they go is waited for, too', async () => {
    const gone: string[] = [];
    const releases = new Releases();
    releases.add(() => releases.add(() => void gone.push('late')));
    await releases.end();
    assert.deepEqual(gone, ['late']);
    releases.add(() => void gone.push('later'));
    await releases.end();
    assert.deepEqual(gone, ['late', 'later']);
  });
});
