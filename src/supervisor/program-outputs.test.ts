import assert from 'node:assert/strict';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { systemClock } from '../lib/clock.ts';
import { listenForOutputs } from './program-outputs.ts';

const directory = mkdtempSync(join(tmpdir(), 'hearth-outputs-'));
after(() => rmSync(directory, { recursive: true }));

describe('the outputs of a program', { timeout: 20_000 }, () => {
  it('are two connections, in their order; a third is shown out', async () => {
    const outputs = await listenForOutputs(join(directory, 'two'));
    const [first, second] = [connect(outputs.path), connect(outputs.path)];
    await Promise.all([once(first, 'connect'), once(second, 'connect')]);
    const both = await outputs.connected(systemClock, 10_000);
    const third = connect(outputs.path).on('error', () => {});
    await once(third, 'close');
    await outputs.close();
    assert.equal(existsSync(outputs.path), false);
    first.end('out');
    second.end('err');
    assert.deepEqual((await Promise.all(both!.map((socket) => socket.toArray()))).map(String), ['out', 'err']);
  });

  it('of a program that died before it had connected both are given up, and nothing stays open', async () => {
    const outputs = await listenForOutputs(join(directory, 'one'));
    const only = connect(outputs.path);
    await once(only, 'connect');
    assert.equal(await outputs.connected(systemClock, 1), null);
    const closed = once(only.resume(), 'close');
    await outputs.close();
    await closed;
  });
});
