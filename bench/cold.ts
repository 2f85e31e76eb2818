import { existsSync } from 'node:fs';
import type { Bench, BenchContext } from './bench.ts';
import { BenchHearth } from './hearth.ts';
import { HttpSocket, now, type Received } from './load/http-socket.ts';
import { requestBytes } from './load/plan.ts';
import { inRepository } from './paths.ts';
import { median, round, summarize } from './stats.ts';

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
    return { tables: [table(rows), ...comparison(rows)], notes: [...notes, ...strays(rows)], figures: { rows } };
  },
};

async function deployOrReason(hearth: BenchHearth, example: (typeof FUNCTIONS)[number], { tell }: BenchContext): Promise<string | null> {
  if (example.needs !== null && !existsSync(inRepository(example.needs)))
    return `there is no ${example.needs}; docs/guides/detectors.md says how it is made`;
  tell(`deploying ${example.name}`);
  try {
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

/** One row: down to the rung, call, again; the first is discarded. A reason instead when half of the starts were not from that rung. */
async function measure({ hearth, name, event, rung, n }: Series): Promise<ColdRow | { reason: string }> {
  const socket = new HttpSocket(hearth.port);
  const request = requestBytes(hearth.target(name, event));
  const starts: Start[] = [];
  let seen = '';
  let strays = 0;
  try {
    await callOnce(socket, request); // so that there is a snapshot to start from
    for (let i = 0; starts.length < n && i <= 2 * n; i++) {
      await hearth.client.evict(name, rung);
      const { start, rung: began } = await callOnce(socket, request);
      if (i === 0) continue;
      if (began === rung) starts.push(start);
      else [strays, seen] = [strays + 1, began ?? 'warm'];
    }
  } finally {
    socket.close();
  }
  if (starts.length < n) return { reason: `${strays} of ${strays + starts.length} starts were not from ${rung} (the last: ${seen})` };
  const { p50, p90, p99 } = summarize(starts.map((s) => s.ms));
  return {
    function: name,
    rung,
    n: starts.length,
    p50: round(p50),
    p90: round(p90),
    p99: round(p99),
    waitedMs: round(median(starts.map((s) => s.waitedMs))),
    initMs: await initMs(hearth, name, starts),
    handlerMs: round(median(starts.map((s) => s.handlerMs))),
    strays,
  };
}

/** The clock runs from the first byte sent on a standing connection to the last byte of the answer. */
async function callOnce(socket: HttpSocket, request: Buffer): Promise<{ start: Start; rung: string | null }> {
  await socket.open();
  const sentMs = now();
  const received = await new Promise<Received>((resolve) => socket.send(request, resolve));
  if ('error' in received) throw received.error;
  const { answer, atMs } = received;
  if (answer.status !== 200 || answer.header('x-amz-function-error') !== null)
    throw new Error(`the call failed with status ${answer.status}: ${answer.body.toString().slice(0, 500)}`);
  const start: Start = {
    ms: atMs - sentMs,
    waitedMs: Number(answer.header('x-hearth-cold-ms') ?? 0),
    handlerMs: Number(answer.header('x-hearth-duration-ms') ?? 0),
    requestId: answer.header('x-amzn-requestid') ?? '',
  };
  return { start, rung: answer.header('x-hearth-cold-rung') };
}

/** The init phase as the usage records have it, of those starts that ran one. */
async function initMs(hearth: BenchHearth, name: string, starts: readonly Start[]): Promise<number | null> {
  const last = starts.at(-1)?.requestId;
  const wanted = new Set(starts.map((s) => s.requestId));
  for (let attempt = 0; attempt < 20; attempt++) {
    const records = await hearth.client.usageRecords({ functionName: name, limit: Math.min(1000, 2 * starts.length + 10) });
    if (records.some((record) => record.requestId === last)) {
      const times = records.flatMap((r) => (wanted.has(r.requestId) && r.initMs !== null ? [r.initMs] : []));
      return times.length === 0 ? null : round(median(times));
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

function strays(rows: readonly ColdRow[]): string[] {
  return rows.flatMap((r) =>
    r.strays === 0 ? [] : [`${r.function} from ${r.rung}: ${r.strays} starts began on another rung, and are left out`],
  );
}
