import type { BenchHearth } from '../hearth.ts';
import { HttpSocket, now, type Received } from '../load/http-socket.ts';
import { requestBytes } from '../load/plan.ts';
import { round, summarize } from '../stats.ts';

export const RUNGS = ['disk', 'zygote', 'snapshot'] as const;
export type Rung = (typeof RUNGS)[number];

interface Start {
  readonly ms: number;
  /** What the server says the call waited for its instance. */
  readonly waitedMs: number;
  readonly handlerMs: number;
  readonly requestId: string;
  /** Null: it did not wait for an instance. */
  readonly rung: string | null;
  readonly inferenceMs: number | null;
}

export interface Timings {
  readonly n: number;
  readonly p50: number;
  readonly p90: number;
  readonly p99: number;
  /** Medians of the parts: the wait for an instance, the init phase in it (null: none was run), the handler. */
  readonly waitedMs: number;
  readonly initMs: number | null;
  readonly handlerMs: number;
  /** The model's own, median, where the answer tells it. */
  readonly inferenceMs: number | null;
  /** Starts that began on another rung than the one meant, and are not in the sample. */
  readonly strays: number;
  /** Calls that failed, and are not in the sample either. */
  readonly failures: number;
}

export interface Series {
  readonly hearth: BenchHearth;
  readonly name: string;
  readonly event: unknown;
  readonly rung: Rung;
  readonly n: number;
}

/** Down to the rung, call, again; the first is discarded. A reason instead when there were not `n` good ones in twice as many. */
export async function series({ hearth, name, event, rung, n }: Series): Promise<Timings | { reason: string }> {
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
  return { ...timings(starts), initMs: await initMs(hearth, name, starts), strays: strays.length, failures: failures.length };
}

function timings(starts: readonly Start[]): Omit<Timings, 'initMs' | 'strays' | 'failures'> {
  const { p50, p90, p99 } = summarize(starts.map((s) => s.ms));
  const inferences = starts.flatMap((s) => s.inferenceMs ?? []);
  return {
    n: starts.length,
    p50: round(p50),
    p90: round(p90),
    p99: round(p99),
    waitedMs: round(summarize(starts.map((s) => s.waitedMs)).p50),
    handlerMs: round(summarize(starts.map((s) => s.handlerMs)).p50),
    inferenceMs: inferences.length === 0 ? null : round(summarize(inferences).p50),
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
    inferenceMs: inferenceOf(answer.body),
  };
}

function inferenceOf(body: Buffer): number | null {
  const said = JSON.parse(body.toString()) as { body?: { timings?: { inferenceMs?: number } } } | null;
  return said?.body?.timings?.inferenceMs ?? null;
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
