import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Crowd } from './crowd.ts';

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** Who of a crowd has begun, in order, and in which turn. */
class Door {
  readonly crowd = new Crowd();
  readonly begun: string[] = [];

  enter(kind: string, count: number, from = 0): void {
    for (let i = from; i < from + count; i++) this.crowd.enter(kind, () => void this.begun.push(`${kind}${i}`));
  }

  of(kind: string): number[] {
    return this.begun.filter((name) => name.startsWith(kind)).map((name) => Number(name.slice(kind.length)));
  }
}

const first = (count: number): number[] => Array.from({ length: count }, (_, i) => i);

describe('a crowd of requests', () => {
  it('of ordinary size begins as it comes', () => {
    const door = new Door();
    for (const kind of ['a', 'b', 'c']) door.enter(kind, 5);
    assert.equal(door.begun.length, 15);
  });

  it('begins in portions and in order, and all of it', async () => {
    const door = new Door();
    door.enter('a', 1_000);
    const at = [door.begun.length];
    while (door.begun.length < 1_000) {
      await turn();
      at.push(door.begun.length);
    }
    assert.deepEqual(door.of('a'), first(1_000));
    assert.ok(
      at.every((count, i) => count - (at[i - 1] ?? 0) <= 32),
      at.join(),
    );
  });

  it('does not hold up who calls something else, whenever he comes', async () => {
    const door = new Door();
    door.enter('a', 1_000);
    door.enter('b', 1);
    assert.deepEqual(door.of('b'), [0]);
    await turn();
    door.enter('b', 1, 1);
    assert.deepEqual(door.of('b'), [0, 1]);
    door.enter('a', 1, 1_000);
    assert.ok(door.of('a').length < 100, 'who joins the crowd stands at its end');
    while (door.begun.length < 1_003) await turn();
    assert.deepEqual(door.of('a'), first(1_001));
  });

  it('of many kinds lets each have its share', async () => {
    const door = new Door();
    for (const kind of ['a', 'b', 'c', 'd']) door.enter(kind, 100);
    const before = ['a', 'b', 'c', 'd'].map((kind) => door.of(kind).length);
    await turn();
    const after = ['a', 'b', 'c', 'd'].map((kind, i) => door.of(kind).length - before[i]!);
    assert.deepEqual(after, [8, 8, 8, 8]);
    while (door.begun.length < 400) await turn();
  });

  it('of more kinds than a turn has room for lets all in by and by', async () => {
    const door = new Door();
    const kinds = first(100).map((n) => `kind${n}-`);
    door.enter('a', 16);
    for (const kind of kinds) door.enter(kind, 10);
    const before = door.begun.length;
    await turn();
    assert.equal(door.begun.length - before, 32);
    for (let n = 1; n < Math.ceil(100 / 32); n++) await turn();
    assert.ok(kinds.every((kind) => door.of(kind).includes(8)));
    while (door.begun.length < 1_016) await turn();
  });

  it('is over with its last: who comes then begins at once', async () => {
    const door = new Door();
    door.enter('a', 100);
    while (door.begun.length < 100) await turn();
    await turn();
    door.enter('a', 10, 100);
    assert.equal(door.begun.length, 110);
  });
});
