import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { it } from 'node:test';
import { leftCgroups } from './cgroups.ts';

it('counts the control groups of a server and of those that are gone, and not those of another that is alive', async () => {
  const root = mkdtempSync(join(tmpdir(), 'hearth-cgroups-'));
  try {
    const [ours, another, gone] = [process.ppid, process.pid, 2 ** 22 + 1]; // above the highest pid there can be
    for (const path of [`unified/hearth-${ours}-1/a`, `unified/hearth-${ours}-1/b`, `unified/within/hearth-${ours}-2/a/deep`])
      mkdirSync(join(root, path), { recursive: true });
    assert.equal(await leftCgroups(root, [ours]), 4);
    mkdirSync(join(root, `unified/hearth-${another}-1/a`), { recursive: true });
    mkdirSync(join(root, 'unified/user.slice/a'), { recursive: true });
    assert.equal(await leftCgroups(root, [ours]), 4);
    mkdirSync(join(root, `memory/hearth-${gone}-1/a`), { recursive: true });
    assert.equal(await leftCgroups(root, [ours]), 5);
    assert.equal(await leftCgroups(join(root, 'nowhere'), [ours]), 0);
  } finally {
    rmSync(root, { recursive: true });
  }
});
