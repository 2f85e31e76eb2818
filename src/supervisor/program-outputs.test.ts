import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { promisify } from 'node:util';
import { systemClock } from '../lib/clock.ts';
import { listenForOutputs } from './program-outputs.ts';

const directory = mkdtempSync(join(tmpdir(), 'hearth-outputs-'));
after(() => rmSync(directory, { recursive: true }));

describe('the outputs of a program', { timeout: 20_000 }, () => {
  it('are two connections, in their order; a third is shown out', async () => {
    const outputs = await listenForOutputs(join(directory, 'two'), null);
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

  const root = process.getuid?.() === 0;
  it('are for one user alone', { skip: root ? false : 'needs root, to be somebody else' }, async () => {
    chmodSync(directory, 0o711);
    const owner = { uid: 65_534, gid: 65_534 };
    const outputs = await listenForOutputs(join(directory, 'owned'), owner);
    const asUser = async (uid: number): Promise<string> => {
      const script = `require('node:net').connect(${JSON.stringify(outputs.path)}).on('connect', () => (console.log('in'), process.exit())).on('error', (e) => console.log(e.code))`;
      const { stdout } = await promisify(execFile)(process.execPath, ['-e', script], { uid, gid: uid, cwd: '/', env: {} });
      return stdout.trim();
    };
    assert.deepEqual([await asUser(owner.uid + 1), await asUser(owner.uid)], ['EACCES', 'in']);
    await outputs.close();
    const own = await listenForOutputs(join(directory, 'own'), null);
    assert.equal(statSync(own.path).mode & 0o777, 0o600);
    await own.close();
  });

  it('of a program that died before it had connected both are given up, and nothing stays open', async () => {
    const outputs = await listenForOutputs(join(directory, 'one'), null);
    const only = connect(outputs.path);
    await once(only, 'connect');
    assert.equal(await outputs.connected(systemClock, 1), null);
    const closed = once(only.resume(), 'close');
    await outputs.close();
    await closed;
  });
});
