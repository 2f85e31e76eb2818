import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { hearth } from '../../src/cli/testing/run-hearth.ts';
import { runDirectory } from '../../src/composition/run-directory.ts';
import { leavings, stillThere } from './leavings.ts';
import { ServerProcess } from './platform-process.ts';

const home = mkdtempSync(join(tmpdir(), 'hearth-silent-'));
after(async () => {
  await ServerProcess.endAll();
  rmSync(home, { recursive: true, force: true });
});

const skip = process.platform === 'linux' ? false : 'needs /proc';

test(
  'a server whose database takes connections and never answers ends, says what it gave up, and leaves no process',
  { skip },
  async () => {
    const server = await ServerProcess.start({ home });
    await server.deploy('hello', 'events-diary', { runtime: `nodejs${process.versions.node.split('.')[0]}.x`, handler: 'index.handler' });
    const family = server.family();
    const database = family.filter(({ command }) => /postgres/.test(command));
    assert.ok(database.length > 5, 'PostgreSQL and its own');
    for (const { pid } of database) process.kill(pid, 'SIGSTOP');
    try {
      const { ended } = server;
      const down = await hearth(['down'], { env: { HEARTH_HOME: home } });
      assert.deepEqual([down.code, await ended], [0, 0], down.stderr);
    } finally {
      for (const { pid } of stillThere(database)) process.kill(pid, 'SIGCONT');
    }
    assert.match(readFileSync(join(home, 'server.log'), 'utf8'), /the database does not answer: what waits for it is given up/);
    assert.deepEqual(stillThere(family), []);
    assert.deepEqual(leavings(home, runDirectory(home, process.env)), []);
  },
);
