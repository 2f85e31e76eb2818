import { request } from 'node:http';
import type { Bench } from './bench.ts';
import { BenchHearth } from './hearth.ts';
import { round, summarize } from './stats.ts';

/** Answers of each kind. */
const COUNT = 400;
const WARM_UP = 50;

/** The ways to have an answer streamed, and where the handler's clock stands in what comes first. */
const WAYS = [
  {
    name: 'InvokeWithResponseStream',
    method: 'POST',
    path: (name: string) => `/2021-11-15/functions/${name}/response-streaming-invocations`,
  },
  { name: 'function URL', method: 'GET', path: (name: string) => `/fn/${name}/` },
] as const;

/** Bytes of the throughput's answer. */
const LARGE_BYTES = 64 * 1024 * 1024;

export const stream: Bench = {
  name: 'stream',
  what: "streamed answers: from the handler's first write to its arrival at the client",
  run: async ({ options, releases, tell }) => {
    const hearth = await BenchHearth.start(releases, await BenchHearth.makeHome(releases));
    await hearth.deploy('bench/functions/hearth.yaml', 'stream');
    const count = options.n ?? COUNT;
    const rows: { way: string; n: number; p50: number; p90: number; p99: number; mbPerS: number }[] = [];
    for (const way of WAYS) {
      const call = { port: hearth.port, method: way.method, path: way.path('stream') };
      for (let i = 0; i < WARM_UP; i++) await firstByteMs(call);
      const times: number[] = [];
      for (let i = 0; i < count; i++) times.push(await firstByteMs(call));
      const { p50, p90, p99 } = summarize(Float64Array.from(times));
      const body = JSON.stringify({ bytes: LARGE_BYTES });
      const from = performance.now();
      const bytes = await receive({ ...call, method: 'POST', body });
      if (bytes < LARGE_BYTES) throw new Error(`${way.name}: ${bytes} bytes came of an answer of ${LARGE_BYTES}`);
      const mbPerS = bytes / 1e6 / ((performance.now() - from) / 1e3);
      rows.push({ way: way.name, n: count, p50: round(p50, 2), p90: round(p90, 2), p99: round(p99, 2), mbPerS: round(mbPerS, 0) });
      tell(`${way.name}: p50 ${rows.at(-1)?.p50} ms`);
    }
    const table = {
      title:
        "From the handler's first write to the client, ms, by the clock that all processes of a machine share; and MB a second of a 67 MB answer",
      columns: ['way', 'n', 'p50', 'p90', 'p99', 'MB/s'],
      rows: rows.map((r) => [r.way, r.n, r.p50, r.p90, r.p99, r.mbPerS]),
    };
    return { tables: [table], notes: ['one call at a time, warm, a connection for each'], figures: { rows } };
  },
};

interface Call {
  readonly port: number;
  readonly method: string;
  readonly path: string;
  readonly body?: string;
}

/** The handler writes `<its clock in ns>`, and waits before it ends: what came was not sent for the end. */
function firstByteMs(call: Call): Promise<number> {
  return new Promise((resolve, reject) => {
    let ms: number | null = null;
    let text = '';
    void receive(call, (piece) => {
      text += piece.toString('latin1');
      const written = /<(\d+)>/.exec(text)?.[1];
      if (written !== undefined && ms === null) ms = Number(process.hrtime.bigint() - BigInt(written)) / 1e6;
    }).then(() => (ms === null ? reject(new Error(`nothing of the handler's came: ${text.slice(0, 200)}`)) : resolve(ms)), reject);
  });
}

/** Bytes of an answer. */
function receive({ port, method, path, body }: Call, onData: (piece: Buffer) => void = () => {}): Promise<number> {
  return new Promise((resolve, reject) => {
    const outgoing = request(
      { host: '127.0.0.1', port, method, path, agent: false, headers: { 'content-type': 'application/json' } },
      (incoming) => {
        let bytes = 0;
        incoming.on('data', (piece: Buffer) => {
          bytes += piece.length;
          onData(piece);
        });
        incoming.on('end', () => resolve(bytes));
        incoming.on('error', reject);
      },
    );
    outgoing.on('error', reject);
    outgoing.end(body);
  });
}
