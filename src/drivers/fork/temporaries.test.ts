import assert from 'node:assert/strict';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import type { Abilities } from '../../sandbox/abilities.ts';
import { Temporaries } from './temporaries.ts';

const directory = mkdtempSync(join(tmpdir(), 'hearth-temporaries-'));
after(() => rmSync(directory, { recursive: true }));

const abilities = { root: false, ids: null } as Abilities;

function temporariesIn(name: string): { root: string; temporaries: Temporaries; warnings: string[] } {
  const root = join(directory, name);
  mkdirSync(root, { recursive: true });
  const warnings: string[] = [];
  return { root, warnings, temporaries: new Temporaries(root, { abilities, warn: (message) => warnings.push(message) }) };
}

function fill(path: string, files: number): void {
  for (let i = 0; i < files; i++) writeFileSync(join(path, String(i)), '');
}

describe('temporary directories', { timeout: 60_000 }, () => {
  it('are gone from their place at once, and altogether when closed; the next is made meanwhile', async () => {
    const { root, temporaries, warnings } = temporariesIn('one');
    const first = temporaries.make('f', 'first');
    fill(first.path, 1_000);
    first.remove();
    first.remove();
    assert.equal(existsSync(first.path), false);
    assert.equal(readdirSync(join(root, 'leaving', 'first')).length, 1_000, 'not removed on the event loop');
    const again = temporaries.make('f', 'first');
    fill(again.path, 10);
    assert.equal(readdirSync(again.path).length, 10);
    again.remove();
    const left = temporaries.make('f', 'left');
    fill(left.path, 10);
    await temporaries.close();
    assert.deepEqual([readdirSync(join(root, 'tmp')), readdirSync(join(root, 'leaving')), warnings], [[], [], []]);
    left.remove();
    assert.throws(() => temporaries.make('f', 'late'), { code: 'ServiceException' });
  });

  it('that a driver left which was killed, removed or not, are removed by the next', async () => {
    const killed = temporariesIn('two');
    fill(killed.temporaries.make('f', 'in-use').path, 10);
    const leaving = killed.temporaries.make('f', 'half-removed');
    mkdirSync(join(killed.root, 'leaving', 'earlier'), { recursive: true });
    fill(join(killed.root, 'leaving', 'earlier'), 10);
    fill(leaving.path, 10);
    const { root, temporaries, warnings } = temporariesIn('two');
    temporaries.sweep();
    const next = temporaries.make('f', 'next');
    fill(next.path, 10);
    assert.deepEqual(readdirSync(join(root, 'tmp')), ['next']);
    next.remove();
    await temporaries.close();
    assert.deepEqual([readdirSync(join(root, 'tmp')), readdirSync(join(root, 'leaving')), warnings], [[], [], []]);
  });
});
