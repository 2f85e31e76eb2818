import { setTimeout as sleep } from 'node:timers/promises';
import { CreateQueueCommand, SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { PutObjectCommand } from '@aws-sdk/client-s3';
import { credentialsOf } from '../../test/scenarios/server-credentials.ts';
import type { BenchContext } from '../bench.ts';
import type { BenchHearth } from '../hearth.ts';
import { round, summarize } from '../stats.ts';
import { Collector, monotonicMs } from './collector.ts';
import { followTable, insertMarked } from './database.ts';
import { tickDelays } from './schedule.ts';
import { bucketClient } from './uploads.ts';

/** From sending (a tick: from when it was due) to the start of the function, ms. */
export interface SourceRow {
  readonly source: string;
  readonly n: number;
  readonly p50: number;
  readonly p99: number;
}

/** Each is sent alone: after the one before has begun, and this pause. */
const PAUSE_MS = 20;
const TICKS = { schedules: 10, seconds: 11 };
const WARM = 20;

/** What sends one event that is called so, and ends what it opened. */
interface Source {
  readonly name: 'async' | 'upload' | 'change' | 'message';
  readonly send: (mark: string) => Promise<unknown>;
  readonly collector: Collector;
  readonly close: () => void;
}

export const SOURCES = ['async', 'upload', 'change', 'message', 'tick'] as const;

/** From sending to start for each source, `count` events one by one. */
export async function sourceDelays(
  hearth: BenchHearth,
  { releases, tell }: BenchContext,
  { count, only }: { count: number; only: readonly string[] },
): Promise<SourceRow[]> {
  const rows: SourceRow[] = [];
  for (const open of [asynchronous, upload, change, message]) {
    if (!only.includes(open.name === 'asynchronous' ? 'async' : open.name)) continue;
    const source = await open(hearth, releases);
    tell(`${count} events one by one: ${source.name}`);
    rows.push(row(source.name, await delaysOf(source, count)));
    source.close();
  }
  if (only.includes('tick')) {
    tell(`ticks of ${TICKS.schedules} schedules at once`);
    rows.push(row('tick', await tickDelays(hearth, releases, TICKS)));
  }
  return rows;
}

function row(source: string, delays: readonly number[]): SourceRow {
  const { n, p50, p99 } = summarize(delays);
  return { source, n, p50: round(p50, 2), p99: round(p99, 2) };
}

async function delaysOf({ send, collector }: Source, count: number): Promise<number[]> {
  const sentMs = new Map<string, number>();
  const had = collector.count;
  for (let i = 1; i <= WARM + count; i++) {
    if (i > WARM) sentMs.set(String(i), monotonicMs());
    await send(String(i));
    await collector.have(had + i);
    await sleep(PAUSE_MS);
  }
  return collector.delaysSince(sentMs);
}

type Releases = BenchContext['releases'];

async function deployed(hearth: BenchHearth, releases: Releases, triggers: readonly unknown[]): Promise<Collector> {
  const collector = await Collector.open(releases);
  await hearth.deploy('bench/functions/hearth.yaml', 'arrivals', { environment: { COLLECTOR: collector.url }, triggers });
  return collector;
}

async function asynchronous(hearth: BenchHearth, releases: Releases): Promise<Source> {
  const collector = await deployed(hearth, releases, []);
  const send = (mark: string): Promise<unknown> =>
    hearth.client.invoke({ functionName: 'arrivals', payload: Buffer.from(JSON.stringify({ mark })), invocationType: 'Event' });
  return { name: 'async', send, collector, close: () => {} };
}

/** Of 1 kB, by the AWS SDK. */
async function upload(hearth: BenchHearth, releases: Releases): Promise<Source> {
  const client = await bucketClient(hearth, 'source');
  const collector = await deployed(hearth, releases, [{ objects: { bucket: 'source' } }]);
  const Body = Buffer.alloc(1_000, 'hearth');
  const send = (mark: string): Promise<unknown> => client.send(new PutObjectCommand({ Bucket: 'source', Key: `in/${mark}`, Body }));
  return { name: 'upload', send, collector, close: () => client.destroy() };
}

async function change(hearth: BenchHearth, releases: Releases): Promise<Source> {
  const table = await followTable(hearth, releases);
  return { name: 'change', send: (mark) => insertMarked(table, mark), collector: table.collector, close: () => {} };
}

/** By the AWS SDK. */
async function message(hearth: BenchHearth, releases: Releases): Promise<Source> {
  const endpoint = `http://127.0.0.1:${hearth.port}`;
  const client = new SQSClient({ endpoint, region: 'us-east-1', credentials: credentialsOf(hearth.home) });
  const { QueueUrl } = await client.send(new CreateQueueCommand({ QueueName: 'source' }));
  const collector = await deployed(hearth, releases, [{ queue: { queue: 'source' } }]);
  const send = (MessageBody: string): Promise<unknown> => client.send(new SendMessageCommand({ QueueUrl, MessageBody }));
  return { name: 'message', send, collector, close: () => client.destroy() };
}
