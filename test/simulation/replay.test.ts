import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { contenders } from '../../bench/keepalive/policies.ts';
import { replay, type Replayed } from '../../bench/keepalive/replay.ts';
import { parseTrace, readTrace, type Trace } from '../../bench/keepalive/trace.ts';
import { inRepository } from '../../bench/paths.ts';

const HEAD = 'owner,app,fn,trigger,dur_avg_ms,dur_p50,dur_p99,dur_max_ms,mem_avg_mb,mem_p99,minute_counts_from_min480';
const minutes = (first: number, step: number): string =>
  Array.from({ length: Math.ceil((480 - first) / step) }, (_, i) => `${first + i * step}:1`).join(' ');
/** Eight hours: timers of fifteen minutes, one that is called all the time, one that comes in a burst, one that is called once. */
const TRACE = parseTrace(
  [
    HEAD,
    ...Array.from({ length: 12 }, (_, i) => `o,timer-${i},t${i},timer,100,100,100,1100,100,100,${minutes(i, 15)}`),
    'o,busy,b,http,200,200,200,900,80,80,0+480:30',
    'o,burst,q,queue,50,50,50,500,50,50,300:40 301:200 470:5',
    'o,once,x,http,50,50,50,500,50,50,400:1',
  ].join('\n'),
);

const run = (trace: Trace, name: string, capGb: number | null = null): Promise<Replayed> => {
  const contender = contenders(trace).find((c) => c.name === name);
  assert.ok(contender);
  const residency = { ...contender.residency, capBytes: capGb === null ? null : capGb * 1e9 };
  return replay(trace, { keepMs: contender.keepMs, residency, fromMs: trace.lengthMs / 2 });
};

describe('a trace', () => {
  it('is read: functions, times, memory, calls in their minutes', () => {
    assert.equal(TRACE.functions.length, 15);
    assert.equal(TRACE.lengthMs, 480 * 60_000);
    const [timer, , busy] = [TRACE.functions[0], TRACE.functions[1], TRACE.functions[12]];
    assert.deepEqual([timer?.app, timer?.durationMs, timer?.initMs, timer?.memoryMb], ['timer-0', 100, 1_000, 100]);
    const gaps = new Set([...(timer?.arrivalsMs ?? [])].map((at, i, all) => Math.round(at - (all[i - 1] ?? at - 900_000))));
    assert.deepEqual([...gaps], [900_000], 'a timer keeps its second');
    assert.equal(busy?.arrivalsMs.length, 480 * 30);
    assert.equal(parseTrace(`${HEAD}\no,a,f,http,1,1,1,1,1,1,0:100 1:5`, 60).leftOut, 40);
  });

  it('that is none is refused, by line and column', () => {
    assert.throws(() => parseTrace('a,b\n1,2'), /it has no column app, fn/);
    assert.throws(() => parseTrace(`${HEAD}\no,a,f,http,x,1,1,1,1,1,0:1`), /line 2: dur_avg_ms is 'x'/);
    assert.throws(() => parseTrace(`${HEAD}\no,a,f,http,1,1,1,1,1,1,0:1 :`), /line 2: ':' is not MINUTE:COUNT/);
  });
});

describe('the replay of a trace', () => {
  it('answers every call, the same way twice', async () => {
    const [one, two] = [await run(TRACE, 'fixed-10m'), await run(TRACE, 'fixed-10m')];
    assert.deepEqual(one, two);
    assert.equal(one.failures, 0);
    assert.equal(one.calls, 12 * 16 + 240 * 30 + 245 + 1);
  });

  it('finds the histogram better than ten minutes, at no more idle memory, and nothing better than the oracle', async () => {
    const fixed = await run(TRACE, 'fixed-10m');
    const learned = await run(TRACE, 'histogram+greedy-dual');
    const oracle = await run(TRACE, 'oracle');
    assert.equal(fixed.p75ColdShare, 100);
    assert.ok(learned.p75ColdShare * 3 <= fixed.p75ColdShare, JSON.stringify(learned));
    assert.ok(learned.idleGbSeconds <= fixed.idleGbSeconds, JSON.stringify({ learned, fixed }));
    assert.ok(oracle.coldStarts <= learned.coldStarts && oracle.idleGbSeconds < learned.idleGbSeconds, JSON.stringify(oracle));
  });

  it('keeps to a cap, at the price of cold starts', async () => {
    const [free, capped] = [await run(TRACE, 'fixed-60m'), await run(TRACE, 'fixed-60m', 0.6)];
    assert.ok(capped.idleGbSeconds < 0.6 * 4 * 3_600);
    assert.ok(capped.coldStarts > free.coldStarts);
    assert.equal(capped.failures, 0);
  });
});

describe('the default policy on real calls', () => {
  it('leaves at most a third of the cold share of ten fixed minutes, and holds no more memory', async () => {
    const real = readTrace(inRepository('bench/traces/azure2019-500-functions-8h.csv'), 4); // the benchmark replays up to 20 a minute: the same verdict, in more time
    assert.equal(real.functions.length, 500);
    const [fixed, learnt] = [await run(real, 'fixed-10m'), await run(real, 'histogram+greedy-dual')];
    assert.ok(learnt.p75ColdShare <= fixed.p75ColdShare / 3, `${learnt.p75ColdShare} and ${fixed.p75ColdShare}`);
    assert.ok(learnt.idleGbSeconds <= fixed.idleGbSeconds, `${learnt.idleGbSeconds} and ${fixed.idleGbSeconds}`);
    assert.equal(learnt.failures, 0);
  });
});
