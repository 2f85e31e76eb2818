import assert from 'node:assert/strict';
import { appendFileSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { silent } from '../../../test/silent-log.ts';
import { holdOpen } from '../../lib/hold-open.ts';
import { deferred } from '../../lib/deferred.ts';
import { systemClock } from '../../lib/clock.ts';
import { WatchedFolder } from './watched-folder.ts';

test('a file that goes, or can’t be opened, while its object is being made is no matter', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'hearth-watched-'));
  const stored: string[] = [];
  const taken = deferred<void>();
  const bucket = {
    ensure: async () => {},
    async known(key: string) {
      if (key === 'gone') rmSync(join(folder, key));
      return null;
    },
    async put(key: string, content: AsyncIterable<Buffer>) {
      // As a store does, which makes a file of its own before it reads.
      for (let turns = 0; turns < 50; turns++) await setImmediate();
      let text = '';
      for await (const chunk of content) text += chunk.toString();
      stored.push(`${key} ${text}`);
      taken.resolve();
    },
    remove: async () => {},
  };
  writeFileSync(join(folder, 'gone'), 'x');
  writeFileSync(join(folder, 'stays'), 'y');
  const watched = new WatchedFolder({ folder, bucket, clock: systemClock, log: silent });
  await taken.promise;
  await watched.close();
  rmSync(folder, { recursive: true });
  assert.deepEqual(stored, ['stays y']);
});

test('one file that takes long holds up no other, but what happens to itself meanwhile', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'hearth-watched-'));
  const seen: string[] = [];
  const [released, ended] = [deferred<void>(), deferred<void>()];
  const bucket = {
    ensure: async () => {},
    known: async () => null,
    async put(key: string) {
      if (key === 'slow') {
        rmSync(join(folder, key));
        await released.promise;
      }
      seen.push(`put ${key}`);
      if (key === 'quick') released.resolve();
    },
    async remove(key: string) {
      seen.push(`remove ${key}`);
      ended.resolve();
    },
  };
  writeFileSync(join(folder, 'slow'), 'x');
  const watched = new WatchedFolder({ folder, bucket, clock: systemClock, log: silent });
  await watched.ready();
  writeFileSync(join(folder, 'quick'), 'y');
  const held = holdOpen();
  await ended.promise;
  held.release();
  await watched.close();
  rmSync(folder, { recursive: true });
  assert.deepEqual(seen, ['put quick', 'put slow', 'remove slow']);
});

test('a folder that goes takes nothing out of its bucket, and is watched again when it is back', async () => {
  const base = mkdtempSync(join(tmpdir(), 'hearth-watched-'));
  const folder = join(base, 'folder');
  mkdirSync(folder);
  const seen: string[] = [];
  const [first, gone, again] = [deferred<void>(), deferred<void>(), deferred<void>()];
  const bucket = {
    ensure: async () => {},
    known: async () => null,
    async put(key: string) {
      seen.push(`put ${key}`);
      (key === 'a' ? first : again).resolve();
    },
    remove: async (key: string) => void seen.push(`remove ${key}`),
  };
  const log = { ...silent, warn: () => gone.resolve() };
  writeFileSync(join(folder, 'a'), 'x');
  const watched = new WatchedFolder({ folder, bucket, clock: systemClock, log });
  const held = holdOpen();
  await first.promise;
  renameSync(folder, join(base, 'elsewhere'));
  await gone.promise;
  mkdirSync(folder);
  writeFileSync(join(folder, 'b'), 'y');
  await again.promise;
  held.release();
  await watched.close();
  rmSync(base, { recursive: true });
  assert.deepEqual(seen, ['put a', 'put b']);
});

test('a file that is being written at the start is stored once it is whole', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'hearth-watched-'));
  const stored = deferred<string>();
  const bucket = {
    ensure: async () => {},
    known: async () => null,
    async put(_: string, content: AsyncIterable<Buffer>) {
      let text = '';
      for await (const chunk of content) text += chunk.toString();
      stored.resolve(text);
    },
    remove: async () => {},
  };
  writeFileSync(join(folder, 'a'), 'half');
  const watched = new WatchedFolder({ folder, bucket, clock: systemClock, log: silent });
  const held = holdOpen();
  await watched.ready();
  appendFileSync(join(folder, 'a'), ' and half');
  assert.equal(await stored.promise, 'half and half');
  held.release();
  await watched.close();
  rmSync(folder, { recursive: true });
});
