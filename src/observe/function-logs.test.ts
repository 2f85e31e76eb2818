import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { appendFile, open } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { heldBytes } from '../../test/held-bytes.ts';
import { VirtualClock } from '../lib/virtual-clock.ts';
import { FunctionLogs, type LogLine } from './function-logs.ts';

describe('FunctionLogs', () => {
  let root = '';
  beforeEach(() => (root = mkdtempSync(join(tmpdir(), 'hearth-logs-'))));
  afterEach(() => rmSync(root, { recursive: true }));
  const logs = (maxBytes = 1 << 20) => new FunctionLogs({ root, clock: new VirtualClock(), maxBytes });
  const line = (timeMs: number, text: string): LogLine => ({ timeMs, function: 'f', stream: 's', requestId: 'r', text });

  /** A log whose writes wait until somebody reads them. */
  const stuck = (): string => {
    mkdirSync(join(root, 'f'));
    const path = join(root, 'f', 'current.log');
    execFileSync('sh', ['-c', 'mkfifo "$0"', path]);
    return path;
  };

  /** What is written to it until all is. */
  const taken = async (fifo: string, written: () => Promise<void>): Promise<string> => {
    const reader = await open(fifo, 'r+');
    void written().then(() => appendFile(fifo, 'end'));
    let read = '';
    for (const buffer = Buffer.alloc(1 << 20); !read.endsWith('end');) {
      const { bytesRead } = await reader.read(buffer);
      read += buffer.toString('utf8', 0, bytesRead);
    }
    await reader.close();
    return read;
  };

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

  it('writes no line into the rest of one that a full disk or a kill cut off', async () => {
    mkdirSync(join(root, 'f'));
    await appendFile(join(root, 'f', 'current.log'), '1\ts\tr\twhole\n2\ts\tr\tcut o');
    const l = logs();
    l.append(line(3, 'next'));
    assert.deepEqual(
      (await l.read({})).map((x) => x.text),
      ['whole', 'cut o', 'next'],
    );
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

  it('reads of long logs little more than the newest lines that are wanted', async (t) => {
    const l = logs(64 << 20);
    for (let at = 0; at < 2; at++) {
      for (let time = 0; time < 3_000; time++) l.append({ ...line(time, 'x'.repeat(1_000)), function: `f${at}` });
      await l.flush();
    }
    const file = await open(join(root, 'f0', 'current.log'));
    const handles = Object.getPrototypeOf(file) as { read: (...given: unknown[]) => Promise<{ bytesRead: number }> };
    await file.close();
    const { read } = handles;
    let bytes = 0;
    t.mock.method(handles, 'read', async function (this: unknown, ...given: unknown[]) {
      const done = await read.apply(this, given);
      bytes += done.bytesRead;
      return done;
    });
    const times = (await l.read({ tail: 3 })).map(({ function: name, timeMs }) => `${name} ${timeMs}`);
    assert.deepEqual(times.sort(), ['f0 2999', 'f1 2998', 'f1 2999'].sort());
    assert.ok(bytes < 2 << 20, String(bytes));
    bytes = 0;
    assert.equal((await l.read({ sinceMs: 2_990 })).length, 20);
    assert.ok(bytes < 4 << 20, String(bytes)); // of the 12 MB that it takes to look for how many lines there are, and read them
    assert.deepEqual(await l.read({ tail: 0 }), []);
    assert.equal((await l.read({ function: 'f0', tail: 2_000, sinceMs: 2_500 })).length, 500);
  });

  it('gives the newest lines of a log that has more than there is room for, and says so', async () => {
    const l = logs(64 << 20);
    for (let time = 0; time < 100_010; time++) {
      l.append(line(time, ''));
      if (time % 10_000 === 0) await l.flush();
    }
    const lines = await l.read({});
    assert.deepEqual(await l.read({ tail: 1_000_000 }), lines);
    assert.equal(lines.length, 100_001);
    assert.match(lines[0]?.text ?? '', /^hearth: there are more lines before this; these are the newest 100000/);
    assert.deepEqual([lines[1]?.timeMs, lines.at(-1)?.timeMs], [10, 100_009]);
    assert.equal((await l.read({ sinceMs: 100 })).length, 99_910);
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

  it('loses nothing more where the folder of a log went away, as that of a function does which is made anew while it is removed', async () => {
    const l = logs(64 << 20);
    const append = async (text: string): Promise<void> => {
      l.append(line(1, text));
      await l.flush();
    };
    await append('first');
    rmSync(join(root, 'f'), { recursive: true });
    await append('second');
    assert.deepEqual(
      (await l.read({ function: 'f' })).map(({ text }) => text),
      ['second'],
    );
  });

  it('holds no more than a few MB for a disk that takes nothing', { skip: process.platform === 'win32' && 'needs a FIFO' }, async () => {
    const fifo = stuck();
    const l = logs(64 << 20);
    const text = 'x'.repeat(1_000);
    for (let round = 0; round < 20; round++) {
      for (let t = 0; t < 1_000; t++) l.append(line(t, text));
      await new Promise((resolve) => setImmediate(resolve));
    }
    const read = await taken(fifo, () => l.flush());
    const lines = read.split('\n').length - 2; // without the one that tells, and the end
    const said = Number(/hearth: lines lost.*: (\d+)\n/.exec(read)?.[1]);
    assert.equal(lines + said, 20_000);
    assert.ok(read.length < 9_000_000, String(read.length));
  });

  it(
    'keeps nothing of the many times that a disk which takes nothing was asked',
    { skip: process.platform === 'win32' && 'needs a FIFO' },
    async () => {
      const fifo = stuck();
      const clock = new VirtualClock(0);
      const l = new FunctionLogs({ root, clock, maxBytes: 64 << 20 });
      const ask = async (times: number): Promise<number> => {
        for (let t = 0; t < times; t++) {
          l.append(line(t, ''));
          await clock.advance(200);
        }
        return heldBytes();
      };
      const before = await ask(1_000);
      const grown = (await ask(20_000)) - before;
      await taken(fifo, () => l.close());
      assert.ok(grown < 4 << 20, `${grown} bytes more`);
    },
  );

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

  describe('with a retention', () => {
    const DAY = 24 * 60 * 60_000;
    const texts = async (l: FunctionLogs): Promise<string[]> => (await l.read({})).map((x) => x.text);

    it('gives out nothing older, at once, and removes it a day later at the latest, whole files and beginnings', async () => {
      const l = logs(300);
      for (let day = 1; day <= 6; day++) {
        l.append(line(day * DAY, `day ${day} ${'x'.repeat(60)}`));
        await l.flush();
      }
      assert.deepEqual(readdirSync(join(root, 'f')).sort(), ['current.log', 'previous.log']);
      const all = await texts(l);
      let oldestMs = 5 * DAY;
      l.keepSince((name) => (name === 'f' ? oldestMs : 0));
      assert.deepEqual(
        (await texts(l)).map((t) => t.slice(0, 5)),
        ['day 5', 'day 6'],
      );
      await l.expire();
      assert.deepEqual(readdirSync(join(root, 'f')), ['current.log']);
      l.append(line(7 * DAY, 'day 7'));
      oldestMs = 0;
      assert.deepEqual(await texts(l), [...all.slice(-2), 'day 7']);
      oldestMs = 8 * DAY;
      await l.expire();
      assert.deepEqual(readdirSync(join(root, 'f')), []);
      l.append(line(9 * DAY, 'day 9'));
      assert.deepEqual(await texts(l), ['day 9']);
    });

    it('writes a file anew for a day of lines, not for less', async () => {
      const l = logs();
      for (const [day, text] of [
        [1, 'first'],
        [2, 'second'],
        [3, 'third'],
      ] as const)
        l.append(line(day * DAY, text));
      await l.flush();
      let oldestMs = 1.5 * DAY;
      l.keepSince(() => oldestMs);
      await l.expire();
      oldestMs = 0;
      assert.deepEqual(await texts(l), ['first', 'second', 'third']);
      oldestMs = 2 * DAY + 1;
      await l.expire();
      oldestMs = 0;
      assert.deepEqual(await texts(l), ['third']);
    });

    it('removes no newer line with those of a clock that was wrong, whatever the lengths of lines', async () => {
      const l = logs(8 << 20);
      const long = '7'.repeat(300 << 10);
      for (const [timeMs, text] of [
        [0, 'a'],
        [1, long],
        [5 * DAY, 'b'],
        [0, 'c'],
        [6 * DAY, long],
      ] as const)
        l.append(line(timeMs, text));
      await l.flush();
      let oldestMs = 3 * DAY;
      l.keepSince(() => oldestMs);
      await l.expire();
      oldestMs = 0;
      assert.deepEqual(
        (await texts(l)).map((t) => t.length),
        [1, 1, long.length],
      );
      assert.deepEqual(
        (await l.read({})).map((x) => x.timeMs),
        [0, 5 * DAY, 6 * DAY],
      );
    });

    it('loses nothing of what is written meanwhile, and leaves the file as it is where there is no room to write it anew', async () => {
      const l = logs();
      l.append(line(1, 'old'));
      l.append(line(5 * DAY, 'kept'));
      await l.flush();
      l.keepSince(() => 3 * DAY);
      mkdirSync(join(root, 'f', 'current.log.new')); // in the way of the new file
      await assert.rejects(l.expire(), { code: 'EISDIR' });
      rmSync(join(root, 'f', 'current.log.new'), { recursive: true });
      l.append(line(6 * DAY, 'before'));
      const expired = l.expire();
      l.append(line(7 * DAY, 'meanwhile'));
      await expired;
      l.keepSince(() => 0);
      assert.deepEqual(await texts(l), ['kept', 'before', 'meanwhile']);
      assert.deepEqual(readdirSync(join(root, 'f')), ['current.log']);
    });
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
