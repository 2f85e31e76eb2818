import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { it } from 'node:test';
import { BenchHearth } from './hearth.ts';
import { Releases } from './releases.ts';

it('a server that does not start is told with its own reason', async () => {
  const releases = new Releases();
  try {
    // It is said while the process ends: who reads too early finds nothing, in every other attempt.
    for (let attempt = 0; attempt < 2; attempt++) {
      const home = await BenchHearth.makeHome(releases);
      await writeFile(join(home, 'artifacts'), 'in the way');
      await assert.rejects(BenchHearth.start(releases, home), /^Error: Hearth did not start:\n.*artifacts/);
    }
  } finally {
    await releases.end();
  }
});
