import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { promisify } from 'node:util';
import type { Bench, BenchContext } from './bench.ts';
import { BenchHearth } from './hearth.ts';
import { HttpSocket, now, type Received } from './load/http-socket.ts';
import { requestBytes } from './load/plan.ts';
import { inRepository } from './paths.ts';
import { round, summarize } from './stats.ts';

const RUNGS = ['disk', 'zygote', 'snapshot'] as const;
type Rung = (typeof RUNGS)[number];

/** Examples, with the event they are called with: one that has them answer at once, so that what is timed is the start. */
const FUNCTIONS: readonly { name: string; event: unknown; needs: string | null }[] = [
  { name: 'hello-node', event: {}, needs: null },
  { name: 'hello-python', event: {}, needs: null },
  { name: 'detect', event: {}, needs: 'examples/detect/models/centernet.onnx' },
  { name: 'detect-python', event: {}, needs: 'examples/detect-python/models/centernet.onnx' },
];

interface Start {
  readonly ms: number;
  /** What the server says the call waited for its instance. */
  readonly waitedMs: number;
  readonly handlerMs: number;
  readonly requestId: string;
  /** Null: it did not wait for an instance. */
  readonly rung: string | null;
}

export interface ColdRow {
  readonly function: string;
  readonly rung: Rung;
  readonly n: number;
  readonly p50: number;
  readonly p90: number;
  readonly p99: number;
  /** Medians of the parts: the wait for an instance, the init phase in it (null: none was run), the handler. */
  readonly waitedMs: number;
  readonly initMs: number | null;
  readonly handlerMs: number;
  /** Starts that began on another rung than the one meant, and are not in the sample. */
  readonly strays: number;
  /** Calls that failed, and are not in the sample either. */
  readonly failures: number;
}

export const cold: Bench = {
  name: 'cold',
  what: 'what a client waits for the first answer, by what was resident',
  run: async (context) => {
    const { options, releases } = context;
    const hearth = await BenchHearth.start(releases, await BenchHearth.makeHome(releases));
    const rows: ColdRow[] = [];
    const notes: string[] = [];
    for (const example of FUNCTIONS.filter(({ name }) => options.only?.includes(name) ?? true)) {
      const missing = await deployOrReason(hearth, example, context);
      if (missing !== null) {
        notes.push(`${example.name}: skipped: ${missing}`);
        continue;
      }
      for (const rung of RUNGS.filter((rung) => options.rungs?.includes(rung) ?? true)) {
        const row = await measure({ hearth, name: example.name, event: example.event, rung, n: options.n ?? 200 });
        if ('reason' in row) notes.push(`${example.name} from ${rung}: skipped: ${row.reason}`);
        else rows.push(row);
        context.tell(`${example.name} from ${rung}: ${'reason' in row ? row.reason : `p50 ${row.p50} ms`}`);
      }
      await hearth.client.evict(example.name, 'disk'); // what the next one starts beside is the same for all
    }
    return { tables: [table(rows), ...comparison(rows)], notes: [...notes, ...leftOut(rows)], figures: { rows } };
  },
};

async function deployOrReason(hearth: BenchHearth, example: (typeof FUNCTIONS)[number], { tell }: BenchContext): Promise<string | null> {
  try {
    if (example.needs !== null && !existsSync(inRepository(example.needs))) {
      tell('making the detector’s model (examples/detect/convert.mjs)');
      await promisify(execFile)(process.execPath, [inRepository('examples/detect/convert.mjs')]);
    }
    tell(`deploying ${example.name}`);
    await hearth.deploy('examples/hearth.yaml', example.name);
    return null;
  } catch (error) {
    return (error as Error).message.split('\n').slice(0, 3).join(' ');
  }
}

interface Series {
  readonly hearth: BenchHearth;
  readonly name: string;
  readonly event: unknown;
  readonly rung: Rung;
  readonly n: number;
}

/** One row: down to the rung, call, again; the first is discarded. A reason instead when there were not `n` good ones in twice as many. */
async function measure({ hearth, name, event, rung, n }: Series): Promise<ColdRow | { reason: string }> {
  const socket = new HttpSocket(hearth.port);
  const request = requestBytes(hearth.target(name, event));
  const starts: Start[] = [];
  const strays: string[] = [];
  const failures: string[] = [];
  try {
    await callOnce(socket, request); // so that there is a snapshot to start from
    for (let i = 0; starts.length < n && i <= 2 * n; i++) {
      await hearth.client.evict(name, rung);
      const called = await callOnce(socket, request);
      if ('failure' in called) failures.push(called.failure);
      else if (i === 0) continue;
      else if (called.rung === rung) starts.push(called);
      else strays.push(called.rung ?? 'warm');
    }
  } finally {
    socket.close();
  }
  if (starts.length < n) {
    const why = [
      ...(strays.length > 0 ? [`${strays.length} starts began elsewhere (the last: ${strays.at(-1)})`] : []),
      ...(failures.length > 0 ? [`${failures.length} failed (the last: ${failures.at(-1)})`] : []),
    ];
    return { reason: why.join('; ') };
  }
  const { p50, p90, p99 } = summarize(starts.map((s) => s.ms));
  return {
    function: name,
    rung,
    n: starts.length,
    p50: round(p50),
    p90: round(p90),
    p99: round(p99),
    waitedMs: round(summarize(starts.map((s) => s.waitedMs)).p50),
    initMs: await initMs(hearth, name, starts),
    handlerMs: round(summarize(starts.map((s) => s.handlerMs)).p50),
    strays: strays.length,
    failures: failures.length,
  };
}

/** The clock runs from the first byte sent on a standing connection to the last byte of the answer. */
async function callOnce(socket: HttpSocket, request: Buffer): Promise<Start | { failure: string }> {
  await socket.open();
  const sentMs = now();
  const received = await new Promise<Received>((resolve) => socket.send(request, resolve));
  if ('error' in received) return { failure: received.error.message };
  const { answer, atMs } = received;
  if (answer.status !== 200 || answer.header('x-amz-function-error') !== null)
    return { failure: `status ${answer.status}: ${answer.body.toString().slice(0, 300)}` };
  return {
    ms: atMs - sentMs,
    waitedMs: Number(answer.header('x-hearth-cold-ms') ?? 0),
    handlerMs: Number(answer.header('x-hearth-duration-ms') ?? 0),
    requestId: answer.header('x-amzn-requestid') ?? '',
    rung: answer.header('x-hearth-cold-rung'),
  };
}

/** The init phase as the usage records have it, of those starts that ran one. */
async function initMs(hearth: BenchHearth, name: string, starts: readonly Start[]): Promise<number | null> {
  const last = starts.at(-1)?.requestId;
  const wanted = new Set(starts.map((s) => s.requestId));
  for (let attempt = 0; attempt < 20; attempt++) {
    const records = await hearth.client.usageRecords({ functionName: name, limit: Math.min(1000, 2 * starts.length + 10) });
    if (records.some((record) => record.requestId === last)) {
      const times = records.flatMap((r) => (wanted.has(r.requestId) && r.initMs !== null ? [r.initMs] : []));
      return times.length === 0 ? null : round(summarize(times).p50);
    }
    await new Promise((resolve) => setTimeout(resolve, 100)); // records are written in batches
  }
  return null;
}

function table(rows: readonly ColdRow[]) {
  return {
    title: 'Cold start: client-seen latency of the first call, ms (parts: medians)',
    columns: ['function', 'rung', 'n', 'p50', 'p90', 'p99', 'waited', 'init', 'handler'],
    rows: rows.map((r) => [r.function, r.rung, r.n, r.p50, r.p90, r.p99, r.waitedMs, r.initMs, r.handlerMs]),
  };
}

/** How many times faster each function starts from a snapshot. */
function comparison(rows: readonly ColdRow[]) {
  const p50 = (name: string, rung: Rung) => rows.find((r) => r.function === name && r.rung === rung)?.p50;
  const compared = [...new Set(rows.map((r) => r.function))].flatMap((name) => {
    const [disk, snapshot] = [p50(name, 'disk'), p50(name, 'snapshot')];
    return disk === undefined || snapshot === undefined ? [] : [[name, disk / snapshot]];
  });
  if (compared.length === 0) return [];
  return [{ title: 'From disk / from a snapshot, p50', columns: ['function', 'times'], rows: compared }];
}

function leftOut(rows: readonly ColdRow[]): string[] {
  return rows.flatMap((r) => [
    ...(r.strays === 0 ? [] : [`${r.function} from ${r.rung}: ${r.strays} starts began on another rung, and are left out`]),
    ...(r.failures === 0 ? [] : [`${r.function} from ${r.rung}: ${r.failures} calls FAILED, and are left out`]),
  ]);
}
