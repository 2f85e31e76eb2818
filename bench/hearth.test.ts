import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { it } from 'node:test';
import { BenchHearth } from './hearth.ts';
import { Releases } from './releases.ts';

it('a server that does not start is told with its own reason', async () => {
  const releases = new Releases();
  try {
    const home = await BenchHearth.makeHome(releases);
    await writeFile(join(home, 'config.yaml'), 'logLevel: loud\n');
    await assert.rejects(BenchHearth.start(releases, home), /^Error: Hearth did not start:\n.*logLevel/);
  } finally {
    await releases.end();
  }
});
