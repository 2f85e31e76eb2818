import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { silent } from '../../../test/silent-log.ts';
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
