import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { constants } from 'node:os';
import { describe, it } from 'node:test';
import { catches, cpuPercent, descriptors, familyOf, residentMb } from './processes.ts';

const skip = process.platform === 'linux' ? false : 'there is no /proc';
const SIGUSR2 = constants.signals.SIGUSR2;

describe('what is asked of processes', { skip }, () => {
  it('finds children and their children', async () => {
    const child = spawn(process.execPath, ['-e', "require('child_process').spawn('sleep', ['60']).once('spawn', () => console.log('up'))"]);
    await once(child.stdout, 'data');
    const family = await familyOf(child.pid as number);
    assert.equal(family.length, 2);
    assert.equal(family[0], child.pid);
    assert.ok((await familyOf(process.pid)).includes(child.pid as number));
    for (const pid of family) process.kill(pid, 'SIGKILL');
  });

  it('tells whether a signal would end a process', async () => {
    const none = (): void => {};
    assert.equal(await catches(process.pid, SIGUSR2), false);
    process.on('SIGUSR2', none);
    assert.equal(await catches(process.pid, SIGUSR2), true);
    process.off('SIGUSR2', none);
  });

  it('takes what has gone for nothing', async () => {
    const child = spawn('true');
    await once(child, 'exit');
    const pid = child.pid as number;
    assert.deepEqual([await descriptors(pid), await residentMb(pid), await catches(pid, SIGUSR2)], [0, 0, false]);
    assert.equal(await cpuPercent([pid], 0.01), 0);
  });
});
