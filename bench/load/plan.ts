/** One HTTP/1.1 request, sent over and over. Loopback only: a benchmark has no other target. */
export interface Target {
  readonly port: number;
  readonly method: 'POST';
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** When it begins, milliseconds since the epoch; by then it has come up and its connections stand. As soon as that is so, by default. */
interface Appointed {
  readonly notBeforeMs?: number;
}

/** What a generator is asked to do. Everything is bounded: in time, in connections, in what it waits for at the end. */
export type Plan =
  /** Each connection sends its next request when it has its answer. */
  | { readonly mode: 'closed'; readonly target: Target; readonly connections: number; readonly seconds: number }
  /** Requests are due at fixed intervals, whatever became of those before. */
  | ({
      readonly mode: 'open';
      readonly target: Target;
      readonly connections: number;
      readonly seconds: number;
      readonly rate: number;
      /** So long requests are sent at the same rate before the first that counts; 0 by default. */
      readonly leadInSeconds?: number;
      /** How long the answers still under way at the end may take before they count as failures; 10 s by default. */
      readonly drainMs?: number;
      readonly keepBodies?: boolean;
    } & Appointed)
  /** All at once, each on a connection that was opened before; gives up after `seconds`. */
  | ({ readonly mode: 'burst'; readonly target: Target; readonly connections: number; readonly seconds: number } & Appointed);

/** What came of it. Samples are in milliseconds, one for each answer with status 200. */
export interface LoadResult {
  /** From the first request to the last answer. */
  readonly seconds: number;
  /** End to end; in open loop from the moment a request was due, so that a stall of the server counts for all who waited. */
  readonly latencies: Float64Array;
  /** The same less the time in the handler, where the answer told it (`x-hearth-duration-ms`). */
  readonly overheads: Float64Array;
  /** Open loop: how much later than due the generator sent, of what it had a connection for; it is part of the latency. */
  readonly lateness: Float64Array;
  /** Answers that waited for a new instance (`x-hearth-cold-rung`). */
  readonly coldStarts: number;
  /** Answers with another status, and requests without one. */
  readonly failures: number;
  readonly firstFailure: string | null;
  /** Bodies of the answers: in a burst, and where they were asked for. */
  readonly bodies: readonly string[];
  /** Share of one core that the generator used: near 1, it measured itself. */
  readonly generatorCpu: number;
}

export const HOST = '127.0.0.1';

/** The bytes of a request, made once. */
export function requestBytes({ method, path, headers, body, port }: Target): Buffer {
  const payload = Buffer.from(body);
  const lines = Object.entries({ host: `${HOST}:${port}`, ...headers, 'content-length': String(payload.length) });
  const head = `${method} ${path} HTTP/1.1\r\n${lines.map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n`;
  return Buffer.concat([Buffer.from(head, 'latin1'), payload]);
}
