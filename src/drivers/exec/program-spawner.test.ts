import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { randomIds } from '../../lib/ids.ts';
import { VirtualClock } from '../../lib/virtual-clock.ts';
import type { SupervisionEvents } from '../../supervisor/client.ts';
import type { SpawnOrder } from '../../supervisor/messages.ts';
import { programSpawner } from './program-spawner.ts';
import { startSpec } from './testing/fixtures.ts';

const runDirectory = mkdtempSync(join(tmpdir(), 'hearth-spawner-'));
const outputs: Socket[] = [];
after(() => {
  for (const socket of outputs) socket.destroy();
  rmSync(runDirectory, { recursive: true });
});

/** A spawner whose supervisor starts nothing: programs have the pids that the test says; `meanwhile` happens before each is told. */
function spawning(pids: number[]) {
  const clock = new VirtualClock();
  let meanwhile = (_events: SupervisionEvents): void => {};
  let told: SupervisionEvents | null = null;
  const spawner = programSpawner({ clock, ids: randomIds, runDirectory, warn: () => {} }, (events) => {
    told = events;
    return {
      async spawn({ output }: SpawnOrder) {
        const { socket } = output as { socket: string };
        outputs.push(connect(socket), connect(socket));
        meanwhile(events);
        return pids.shift() as number;
      },
      async kill() {},
      async close() {},
    };
  });
  const order = { argv: ['bootstrap'], env: {}, cwd: '/', spec: startSpec('/'), instanceId: 'i' } as const;
  return { clock, spawn: () => spawner.spawn(order), during: (happens: typeof meanwhile) => (meanwhile = happens), events: () => told! };
}

describe('programs', { timeout: 10_000 }, () => {
  it('are told of as ended even where that comes before their pid', async () => {
    const { spawn, during } = spawning([10]);
    during((events) => events.exited(10, { code: 3, signal: null }));
    assert.deepEqual(await (await spawn()).exited, { code: 3, signal: null });
  });

  it('have not ended because what another had left behind once did, under the same pid', async () => {
    const { clock, spawn, during, events } = spawning([10, 11]);
    during((told) => told.exited(11, { code: 0, signal: null }));
    await spawn();
    during(() => {});
    await clock.advance(60_000);
    const { exited } = await spawn();
    events().exited(11, { code: 7, signal: null });
    assert.deepEqual(await exited, { code: 7, signal: null });
  });
});
