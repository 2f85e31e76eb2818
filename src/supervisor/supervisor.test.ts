import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import koffi from 'koffi';
import { systemClock } from '../lib/clock.ts';
import type { ExitStatus } from '../model/instance.ts';
import { SupervisorClient } from './client.ts';
import { decodeStatus } from './exit-status.ts';
import { childrenOf, lookUp } from './process-tree.ts';

const skip = process.platform === 'linux' ? false : 'the supervisor needs Linux';
const directory = mkdtempSync(join(tmpdir(), 'hearth-supervisor-'));
after(() => rmSync(directory, { recursive: true }));

/** Waits for something to become true; the test's own limit is the only one. */
async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await sleep(5);
}

const gone = (pid: number): boolean => lookUp(pid)?.gone ?? true;
const read = (name: string): string => {
  try {
    return readFileSync(join(directory, name), 'utf8');
  } catch {
    return '';
  }
};
/** The pid that a script wrote to a file, once it has. */
async function pidIn(name: string): Promise<number> {
  await until(() => read(name).endsWith('\n'));
  return Number(read(name));
}

function start() {
  const exits = new Map<number, ExitStatus>();
  const lost: string[] = [];
  const client = new SupervisorClient(systemClock, {
    exited: (pid, status) => exits.set(pid, status),
    lost: (reason) => lost.push(reason),
    degraded: (reason) => assert.fail(reason),
  });
  const shell = (script: string): Promise<number> =>
    client.spawn({
      argv: ['/bin/sh', '-c', script],
      env: { D: directory, PATH: process.env['PATH']! },
      cwd: directory,
      output: null,
      ids: null,
    });
  return { client, exits, lost, shell };
}

/** A script that makes itself a subreaper, as instances do, then runs a shell script and stays. */
function subreaper(script: string): string {
  const program = `const k=require(process.argv[1]);k.load(null).func('int prctl(int, unsigned long)')(36,1);
    require('node:child_process').spawn('/bin/sh',['-c',process.argv[2]],{stdio:'ignore'});setInterval(()=>{},1e9)`;
  const koffi = join(import.meta.dirname, '../../../node_modules/koffi/index.cjs');
  const quote = (s: string): string => `'${s.replaceAll("'", `'\\''`)}'`;
  return `exec ${quote(process.execPath)} -e ${quote(program)} ${quote(koffi)} ${quote(script)}`;
}
const daemon = (name: string): string => `(setsid sh -c 'sh -c "echo \\$\\$ >${name}; exec sleep 1000" &' &)`;

describe('supervisor', { skip, timeout: 60_000 }, () => {
  it('what it starts, and what that forks, is ended by the kernel before the server is', async () => {
    const { client, shell } = start();
    const adjusted = (pid: number | 'self'): number => Number(readFileSync(`/proc/${pid}/oom_score_adj`, 'latin1'));
    const pid = await shell('while [ ! -e "$D/go" ]; do sleep 0.01; done; sleep 1000 & echo $! > "$D/victim"; wait');
    const expected = Math.min(1_000, adjusted('self') + 500);
    assert.equal(adjusted(pid), expected);
    writeFileSync(join(directory, 'go'), '');
    assert.equal(adjusted(await pidIn('victim')), expected);
    await client.close();
  });

  it('reports how what it started ended', async () => {
    const { client, exits, shell } = start();
    const [seven, killed, zero] = [await shell('exit 7'), await shell('kill -KILL $$'), await shell('exit 0')];
    await until(() => exits.size === 3);
    assert.deepEqual(
      [exits.get(seven), exits.get(killed), exits.get(zero)],
      [
        { code: 7, signal: null },
        { code: null, signal: 'SIGKILL' },
        { code: 0, signal: null },
      ],
    );
    await assert.rejects(client.spawn({ argv: [join(directory, 'not-there')], env: {}, cwd: '/', output: null, ids: null }), /ENOENT/);
    await client.close();
  });

  it('gives the process the environment, directory and output file it was told, and nothing else', async () => {
    const { client, exits } = start();
    const output = join(directory, 'out');
    const pid = await client.spawn({
      argv: ['/bin/sh', '-c', '/usr/bin/env; pwd; echo err >&2'],
      env: { A: '1' },
      cwd: '/',
      output: { file: output },
      ids: null,
    });
    await until(() => exits.has(pid));
    assert.deepEqual(new Set(read('out').trim().split('\n')), new Set(['A=1', 'PWD=/', '/', 'err']));
    await client.close();
  });

  it('kills a whole tree, a daemon that left its session and its parents included', async () => {
    const { client, exits, shell } = start();
    const root = await shell(subreaper(`${daemon('daemon1')}; sleep 1000`));
    const pid = await pidIn('daemon1');
    await until(() => lookUp(pid)?.parent === root);
    await client.kill(root);
    assert.ok(gone(root) && gone(pid));
    assert.equal(childrenOf(client.pid!).filter((p) => !gone(p)).length, 0);
    await until(() => exits.has(root));
    assert.equal(exits.get(root)?.signal, 'SIGKILL');
    await client.close();
  });

  it('kills a stopped process, and answers for one that is gone already', async () => {
    const { client, shell } = start();
    const pid = await shell('sleep 1000');
    process.kill(pid, 'SIGSTOP');
    await client.kill(pid);
    assert.ok(gone(pid));
    await client.kill(pid);
    await client.close();
  });

  it('kills an orphan that a dead process left, and lets an adopted one live and reaps it', async () => {
    const { client, exits, shell } = start();
    const parent = await shell(`${daemon('orphan')}; ${daemon('instance')}; until [ -f leave ]; do sleep 0.02; done`);
    const [orphan, instance] = [await pidIn('orphan'), await pidIn('instance')];
    client.adopt(instance);
    await client.kill(parent);
    await until(() => gone(orphan));
    assert.equal(gone(instance), false);
    process.kill(instance, 'SIGTERM');
    await until(() => exits.has(instance));
    assert.deepEqual(exits.get(instance), { code: null, signal: 'SIGTERM' });
    await client.close();
  });

  it('spares adopted descendants when it kills their ancestor', async () => {
    const { client, shell } = start();
    const root = await shell(subreaper(`${daemon('spared')}; ${daemon('unspared')}; sleep 1000`));
    const [spared, unspared] = [await pidIn('spared'), await pidIn('unspared')];
    client.adopt(spared);
    await client.kill(root);
    assert.deepEqual([gone(root), gone(unspared), gone(spared)], [true, true, false]);
    await client.close();
    assert.ok(gone(spared), 'closing takes everything');
  });

  it('takes everything with it when the server is killed', async () => {
    const script = `const {SupervisorClient}=await import(process.argv[1]+'/supervisor/client.js');const {systemClock}=await import(process.argv[1]+'/lib/clock.js');
      const c=new SupervisorClient(systemClock,{exited(){},lost(){},degraded(){}});
      const pid=await c.spawn({argv:['/bin/sh','-c',process.argv[2]],env:{PATH:process.env.PATH},cwd:process.argv[3],output:null,ids:null});
      process.kill(pid,'SIGSTOP');console.log(JSON.stringify([c.pid,pid]));setInterval(()=>{},1e9)`;
    const source = join(import.meta.dirname, '..');
    const work = `${daemon('survivor')}; sleep 1000`;
    const server = spawn(process.execPath, ['--input-type=module', '-e', script, source, work, directory], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const [line] = (await once(server.stdout, 'data')) as [Buffer];
    const [supervisor, root] = JSON.parse(line.toString()) as [number, number];
    process.kill(root, 'SIGCONT');
    const survivor = await pidIn('survivor');
    process.kill(root, 'SIGSTOP');
    server.kill('SIGKILL');
    await until(() => gone(supervisor) && gone(root) && gone(survivor));
  });

  it('is replaced when it dies, and what it held is gone by then', async () => {
    const { client, exits, lost, shell } = start();
    const pid = await shell('sleep 1000');
    process.kill(client.pid!, 'SIGKILL');
    await until(() => lost.length === 1);
    assert.ok(gone(pid));
    assert.deepEqual(exits.get(pid), { code: null, signal: 'SIGKILL' });
    const next = await shell('exit 3');
    await until(() => exits.has(next));
    assert.deepEqual(exits.get(next), { code: 3, signal: null });
    await client.close();
    assert.equal(lost.length, 1, 'closing is no loss');
  });

  it('that dies under an order is replaced, and the order carried out', async () => {
    const { client, exits, lost, shell } = start();
    const pid = await shell('sleep 1000');
    process.kill(client.pid!, 'SIGKILL');
    const ordered = shell('exit 4');
    await until(() => lost.length === 1);
    const next = await ordered;
    await until(() => exits.has(next));
    assert.deepEqual([exits.get(next), lost.length, gone(pid)], [{ code: 4, signal: null }, 1, true]);
    await client.close();
  });
});

describe('what a server was started with', { skip, timeout: 60_000 }, () => {
  it('is none of the descriptors of what its supervisor starts', async (t) => {
    const held = join(directory, 'held');
    const fd = openSync(held, 'w');
    t.after(() => closeSync(fd));
    koffi.load(null).func('int fcntl(int, int, int)')(fd, 2, 0); // as a shell leaves those that it opens for a program
    const { client, exits, shell } = start();
    t.after(() => client.close());
    const pid = await shell('for fd in /proc/$$/fd/*; do readlink $fd; done > "$D/descriptors"');
    await until(() => exits.has(pid));
    const seen = read('descriptors');
    assert.match(seen, /^\/dev\/null$/m);
    assert.ok(!seen.includes(held), seen);
  });
});

describe('exit status', () => {
  it('is taken from what waitpid gives', () => {
    assert.deepEqual(decodeStatus(0x0700), { code: 7, signal: null });
    assert.deepEqual(decodeStatus(9), { code: null, signal: 'SIGKILL' });
    assert.deepEqual(decodeStatus(0x8b), { code: null, signal: 'SIGSEGV' }); // core dumped
  });
});
