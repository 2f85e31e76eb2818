import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { appendFile, open } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { VirtualClock } from '../lib/virtual-clock.ts';
import { FunctionLogs, type LogLine } from './function-logs.ts';

describe('FunctionLogs', () => {
  let root = '';
  beforeEach(() => (root = mkdtempSync(join(tmpdir(), 'hearth-logs-'))));
  afterEach(() => rmSync(root, { recursive: true }));
  const logs = (maxBytes = 1 << 20) => new FunctionLogs({ root, clock: new VirtualClock(), maxBytes });
  const line = (timeMs: number, text: string): LogLine => ({ timeMs, function: 'f', stream: 's', requestId: 'r', text });

  it('keeps lines in order, across a restart, with tabs and empty request ids intact', async () => {
    const first = logs();
    first.append(line(1, 'a\tb'));
    first.append({ ...line(2, ''), requestId: null });
    await first.close();
    assert.deepEqual(await logs().read({ function: 'f' }), [line(1, 'a\tb'), { ...line(2, ''), requestId: null }]);
  });

  it('reads since a time, and the newest', async () => {
    const l = logs();
    for (let t = 1; t <= 5; t++) l.append(line(t, `line ${t}`));
    assert.deepEqual(
      (await l.read({ sinceMs: 3, tail: 2 })).map((x) => x.text),
      ['line 4', 'line 5'],
    );
    assert.deepEqual(await l.read({ tail: 0 }), []);
    assert.equal((await l.read({ sinceMs: 5, tail: 4 })).length, 1);
  });

  it('finds the newest over files, portions and lines longer than those, and none that is not yet whole', async () => {
    const l = logs(4 << 20);
    const texts = Array.from({ length: 40 }, (_, t) => `${t} ${'é'.repeat(t % 7 === 0 ? 200_000 : t)}`);
    for (const [t, text] of texts.entries()) {
      l.append(line(t, text));
      await l.flush();
    }
    assert.deepEqual(readdirSync(join(root, 'f')).length, 2);
    await appendFile(join(root, 'f', 'current.log'), '99\ts\tr\thalf');
    const kept = (await l.read({})).map((x) => x.text);
    for (const tail of [1, 2, 9, 17, 40])
      assert.deepEqual(
        (await l.read({ tail })).map((x) => x.text),
        kept.slice(-tail),
        String(tail),
      );
    assert.deepEqual(kept.at(-1), texts.at(-1));
  });

  it('holds no more of a large log than it is asked for', async () => {
    mkdirSync(join(root, 'f'));
    const portion = Array.from({ length: 5_000 }, (_, i) => `${i}\ts\tr\tline ${i}\n`).join('');
    for (let i = 0; i < 500; i++) await appendFile(join(root, 'f', 'current.log'), portion);
    const module = new URL('./function-logs.js', import.meta.url).href;
    const code = `const { FunctionLogs } = await import(${JSON.stringify(module)});
      const clock = { now: () => 0, monotonic: () => 0, after: () => ({ cancel() {} }) };
      const logs = new FunctionLogs({ root: ${JSON.stringify(root)}, clock, maxBytes: 1 << 30 });
      console.log((await logs.read({ tail: 100 })).length);`;
    assert.equal(
      execFileSync(process.execPath, ['--max-old-space-size=40', '--input-type=module', '-e', code], { encoding: 'utf8' }),
      '100\n',
    );
  });

  it('never keeps more than its bound', async () => {
    const l = logs(10_000);
    for (let t = 0; t < 100; t++) {
      l.append(line(t, 'x'.repeat(1_000)));
      await l.flush();
    }
    const bytes = readdirSync(join(root, 'f')).reduce((sum, f) => sum + statSync(join(root, 'f', f)).size, 0);
    assert.ok(bytes <= 12_000, `${bytes} bytes`);
    const kept = await l.read({ function: 'f' });
    assert.equal(kept.at(-1)?.timeMs, 99);
  });

  it('loses what comes faster than it can be written, and says how much; then goes on', async () => {
    const l = logs(64 << 20);
    const count = 10_000;
    for (let t = 0; t < count; t++) l.append(line(t, 'x'.repeat(1_000)));
    await l.flush();
    l.append(line(count, 'later'));
    const kept = await l.read({ function: 'f' });
    const [lost, later] = kept.splice(-2);
    const said = Number(/^hearth: lines lost here.*: (\d+)$/.exec(lost?.text ?? '')?.[1]);
    assert.ok(kept.length < 5_000);
    assert.deepEqual([kept.length + said, lost?.stream, lost?.requestId, later?.text], [count, 's', null, 'later']);
    assert.ok(kept.every(({ timeMs }, i) => timeMs === i));
  });

  it('holds no more for thousands of functions than for a few, and has room for all again once that is written', async () => {
    const l = logs(64 << 20);
    const text = 'x'.repeat(1 << 20);
    const count = 70;
    for (let t = 0; t < count; t++) l.append({ ...line(t, text), function: `f${t}` });
    l.append(line(count, 'lost'));
    await l.flush();
    l.append(line(count + 1, 'later'));
    const kept = await l.read({});
    assert.equal(kept.filter((one) => one.text === text).length, 64);
    assert.deepEqual(
      kept.filter((one) => one.function === 'f').map((one) => one.text),
      ['hearth: lines lost here, since they came faster than they could be written: 1', 'later'],
    );
  });

  it('has the room again that a function had which is removed, and leaves nothing of it', async () => {
    const l = logs(64 << 20);
    for (let t = 0; t < 20; t++) {
      for (let i = 0; i < 4; i++) l.append({ ...line(t, 'x'.repeat(1 << 20)), function: `f${t}` });
      await l.remove(`f${t}`);
    }
    l.append(line(21, 'kept'));
    assert.deepEqual(
      (await l.read({})).map(({ text }) => text),
      ['kept'],
    );
    assert.deepEqual(readdirSync(root), ['f']);
  });

  it('holds no more than a few MB for a disk that takes nothing', { skip: process.platform === 'win32' && 'needs a FIFO' }, async () => {
    mkdirSync(join(root, 'f'));
    const fifo = join(root, 'f', 'current.log');
    execFileSync('sh', ['-c', 'mkfifo "$0"', fifo]); // a write waits until somebody reads
    const l = logs(64 << 20);
    const text = 'x'.repeat(1_000);
    for (let round = 0; round < 20; round++) {
      for (let t = 0; t < 1_000; t++) l.append(line(t, text));
      await new Promise((resolve) => setImmediate(resolve));
    }
    const reader = await open(fifo, 'r+');
    void l.flush().then(() => appendFile(fifo, 'end'));
    let read = '';
    for (const buffer = Buffer.alloc(1 << 20); !read.endsWith('end');) {
      const { bytesRead } = await reader.read(buffer);
      read += buffer.toString('utf8', 0, bytesRead);
    }
    await reader.close();
    const lines = read.split('\n').length - 2; // without the one that tells, and the end
    const said = Number(/hearth: lines lost.*: (\d+)\n/.exec(read)?.[1]);
    assert.equal(lines + said, 20_000);
    assert.ok(read.length < 9_000_000, String(read.length));
  });

  it('gives the lines since a time in portions, from wherever in the files they are', async () => {
    const l = logs(8 << 20);
    const count = 6_000; // over 4 MB: the older file and the newer, many portions
    for (let t = 0; t < count; t++) {
      l.append(line(t, `${t} ${'ä'.repeat(350)}`));
      if (t % 500 === 0) await l.flush();
    }
    assert.deepEqual(readdirSync(join(root, 'f')).sort(), ['current.log']);
    for (const since of [0, 1, 2_999, 5_990, count]) {
      const seen: number[] = [];
      for await (const lines of l.scan('f', since))
        for (const { timeMs, text } of lines) assert.ok(text.startsWith(`${seen.push(timeMs) + since - 1} `));
      assert.deepEqual([seen.length, seen[0] ?? since], [count - since, since], `since ${since}`);
    }
    assert.ok(((await l.extent('f'))?.bytes ?? 0) > count * 700);
    assert.equal(await l.extent('g'), null);
  });

  it('reads on through a change of files', async () => {
    const l = logs(200_000);
    for (let t = 0; t < 1_000; t++) {
      l.append(line(t, 'x'.repeat(300)));
      await l.flush();
    }
    assert.deepEqual(readdirSync(join(root, 'f')).sort(), ['current.log', 'previous.log']);
    const seen: number[] = [];
    for await (const lines of l.scan('f', 0)) seen.push(...lines.map((x) => x.timeMs));
    const first = seen[0] ?? 0;
    assert.ok(first > 0);
    assert.deepEqual(
      seen,
      Array.from({ length: 1_000 - first }, (_, i) => first + i),
    );
  });

  it('follows', () => {
    const l = logs();
    const seen: string[] = [];
    const stop = l.follow((x) => seen.push(x.text));
    l.append(line(1, 'one'));
    stop();
    l.append(line(2, 'two'));
    assert.deepEqual(seen, ['one']);
  });
});
