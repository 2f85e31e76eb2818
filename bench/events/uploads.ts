import { createHash } from 'node:crypto';
import { mkdtemp, open, rm } from 'node:fs/promises';
import { request } from 'node:http';
import { join } from 'node:path';
import { CreateBucketCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { getSignedUrl } from '@aws-sdk/s3-request-presigner';
import { credentialsOf } from '../../test/scenarios/server-credentials.ts';
import type { BenchContext } from '../bench.ts';
import type { BenchHearth } from '../hearth.ts';
import { residentMb } from '../processes.ts';
import { percentile, round } from '../stats.ts';
import type { Table } from '../table.ts';

interface Size {
  readonly name: string;
  readonly bytes: number;
  readonly uploads: number;
  readonly atOnce: number;
}

export const SIZES: readonly Size[] = [
  { name: '100 kB', bytes: 100_000, uploads: 500, atOnce: 8 },
  { name: '100 MB', bytes: 100_000_000, uploads: 6, atOnce: 2 },
];
const Bucket = 'bench';

export interface UploadRow {
  readonly size: string;
  readonly uploads: number;
  readonly atOnce: number;
  readonly p50: number;
  readonly p99: number;
  readonly mbPerSecond: number;
  /** The same bytes hashed, written and fsynced by this process, one file after the other. */
  readonly bareMbPerSecond: number;
  readonly ratio: number;
  /** Resident memory of the server, MB: before, and the most while it took the uploads. */
  readonly rssBeforeMb: number;
  readonly rssMostMb: number;
}

/** Uploads of each size, or of those in `only`. */
export async function measureUploads(hearth: BenchHearth, { tell }: BenchContext, only: readonly string[] | null): Promise<UploadRow[]> {
  const { pid } = await hearth.client.status();
  const client = await bucketClient(hearth, Bucket);
  const rows: UploadRow[] = [];
  try {
    for (const size of SIZES) {
      if (only !== null && !only.includes(size.name)) continue;
      tell(`uploads of ${size.name}`);
      rows.push(await measure(size, { hearth, client, pid }));
    }
  } finally {
    client.destroy();
  }
  return rows;
}

export const UPLOADS_NOTE =
  'Uploads: presigned PUT over loopback, durable (fsync of file, folder and transaction) before the answer; bare: MD5, write and fsync of the same bytes in one process.';

export function uploadTable(rows: readonly UploadRow[]): Table {
  const columns = ['size', 'uploads', 'at once', 'p50 ms', 'p99 ms', 'MB/s', 'bare files MB/s', 'of it', 'RSS before', 'RSS most'];
  return {
    title: 'Uploads',
    columns,
    rows: rows.map((r) => [
      r.size,
      r.uploads,
      r.atOnce,
      r.p50,
      r.p99,
      r.mbPerSecond,
      r.bareMbPerSecond,
      r.ratio,
      r.rssBeforeMb,
      r.rssMostMb,
    ]),
  };
}

/** A client of the AWS SDK with a new bucket. */
export async function bucketClient(hearth: BenchHearth, bucket: string): Promise<S3Client> {
  const endpoint = `http://127.0.0.1:${hearth.port}`;
  const client = new S3Client({ endpoint, region: 'us-east-1', credentials: credentialsOf(hearth.home) });
  await client.send(new CreateBucketCommand({ Bucket: bucket }));
  return client;
}

async function measure(size: Size, { hearth, client, pid }: { hearth: BenchHearth; client: S3Client; pid: number }): Promise<UploadRow> {
  const body = Buffer.alloc(size.bytes, 'hearth');
  const sign = (key: string): Promise<string> => getSignedUrl(client, new PutObjectCommand({ Bucket, Key: key }), { expiresIn: 3600 });
  const urls = await Promise.all(Array.from({ length: size.uploads }, (_, i) => sign(`${size.name}/${i}`)));
  await put(await sign('warm'), body); // the first finds nothing prepared
  const bareMbPerSecond = await bare(size, body, hearth.home);
  const rssBeforeMb = await residentMb(pid);
  const times: number[] = [];
  let most = rssBeforeMb;
  const watch = setInterval(() => void residentMb(pid).then((mb) => (most = Math.max(most, mb))), 50);
  const started = performance.now();
  const next = urls.values();
  await Promise.all(
    Array.from({ length: size.atOnce }, async () => {
      for (const url of next) {
        const from = performance.now();
        await put(url, body);
        times.push(performance.now() - from);
      }
    }),
  );
  const seconds = (performance.now() - started) / 1000;
  clearInterval(watch);
  times.sort((a, b) => a - b);
  const mbPerSecond = (size.bytes * size.uploads) / 1e6 / seconds;
  return {
    size: size.name,
    uploads: size.uploads,
    atOnce: size.atOnce,
    p50: round(percentile(times, 50), 1),
    p99: round(percentile(times, 99), 1),
    mbPerSecond: round(mbPerSecond, 1),
    bareMbPerSecond: round(bareMbPerSecond, 1),
    ratio: round(mbPerSecond / bareMbPerSecond, 2),
    rssBeforeMb: round(rssBeforeMb, 0),
    rssMostMb: round(most, 0),
  };
}

function put(url: string, body: Buffer): Promise<void> {
  return new Promise((resolve, reject) => {
    const sent = request(url, { method: 'PUT', headers: { 'content-length': body.length } }, (answer) => {
      answer
        .resume()
        .on('end', () => (answer.statusCode === 200 ? resolve() : reject(new Error(`an upload was answered ${answer.statusCode}`))));
    });
    sent.on('error', reject);
    sent.end(body);
  });
}

async function bare(size: Size, body: Buffer, folder: string): Promise<number> {
  const into = await mkdtemp(join(folder, 'bare-'));
  const count = Math.min(size.uploads, 100);
  const started = performance.now();
  for (let i = 0; i < count; i += 1) {
    createHash('md5').update(body).digest();
    const file = await open(join(into, String(i)), 'wx');
    await file.writeFile(body);
    await file.sync();
    await file.close();
  }
  const seconds = (performance.now() - started) / 1000;
  await rm(into, { recursive: true });
  return (size.bytes * count) / 1e6 / seconds;
}
