import assert from 'node:assert/strict';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { test } from 'node:test';
import { VirtualClock } from '../../lib/virtual-clock.ts';
import { Sources } from './sources.ts';

const BYTES = Buffer.from('the same zip');

test('functions of one folder that are deployed at once each find their source, whoever goes first', async (t) => {
  const home = await mkdtemp(join(tmpdir(), 'hearth-sources-'));
  t.after(() => rm(home, { recursive: true }));
  const folder = join(home, 'sources');
  const sources = await Sources.open({ folder, clock: new VirtualClock(), maxBytes: 1000, keepMs: 60_000 });
  const deployOften = async (): Promise<void> => {
    for (let i = 0; i < 100; i++) {
      const { source } = await sources.add(Readable.from([BYTES]));
      assert.deepEqual(await sources.read(source), BYTES);
      await sources.release(source);
    }
  };
  await Promise.all(Array.from({ length: 4 }, deployOften));
  assert.deepEqual(await readdir(folder), []);
});
