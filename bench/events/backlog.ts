import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { BenchContext } from '../bench.ts';
import type { BenchHearth } from '../hearth.ts';
import { residentMb } from '../processes.ts';
import { round } from '../stats.ts';
import { LedgerView, sendWhile } from './flow.ts';

const DEEP = 100_000;
/** Of another function, sent while the backlog drains. */
const OTHERS = 1_000;
/** Held, so that nothing is run while the backlog grows: as many as a function that is new may run at once, and some more. */
const HELD = 64;

export interface Backlog {
  readonly n: number;
  /** How fast it was accepted while nothing ran. */
  readonly acceptedPerSecond: number;
  readonly drainedPerSecond: number;
  /** How long it took to drain, and from sending to the last run of events of another function that came meanwhile. */
  readonly drainSeconds: number;
  readonly othersSeconds: number;
  /** Resident memory of the server, MB: before, with the backlog, and ten times while it drained: at about the end of each tenth of the time. */
  readonly rssBeforeMb: number;
  readonly rssFullMb: number;
  readonly rssDrainingMb: readonly number[];
}

/** A backlog of one function and how it drains, with a few events of another that come meanwhile. The function `echo` must be deployed. */
export async function measureBacklog(hearth: BenchHearth, { releases, options, tell }: BenchContext): Promise<Backlog> {
  const deep = options.n ?? DEEP;
  tell(`a backlog of ${deep} events`);
  const ledger = await LedgerView.open(hearth, releases);
  const gate = await Gate.open(releases);
  const { pid } = await hearth.client.status();
  await hearth.deploy('bench/functions/hearth.yaml', 'gated');
  await sendWhile(hearth, (sent) => sent < HELD, { functionName: 'gated', event: { gate: gate.url } });
  const rssBeforeMb = await residentMb(pid);
  const acceptingMs = Date.now();
  await sendWhile(hearth, (sent) => sent < deep, { functionName: 'gated', event: {} });
  const acceptedMs = Date.now();
  const rssFullMb = await residentMb(pid);
  tell('draining');
  gate.answer();
  const looks: number[] = [];
  const beganMs = Date.now();
  const others = await sendWhile(hearth, (sent) => sent < OTHERS, { functionName: 'echo' });
  const lastMs = await ledger.settled(async () => {
    looks.push(await residentMb(pid));
  });
  const { rows } = await ledger.client.query<{ ms: number }>(
    'select (extract(epoch from max(finished_at)) * 1000)::float8 as ms from hearth.delivery where event_id = any($1)',
    [others],
  );
  return {
    n: deep,
    acceptedPerSecond: round((deep * 1_000) / (acceptedMs - acceptingMs), 0),
    drainedPerSecond: round(((deep + HELD) * 1_000) / (lastMs - beganMs), 0),
    drainSeconds: round((lastMs - beganMs) / 1_000, 1),
    othersSeconds: round(((rows[0]?.ms ?? 0) - beganMs) / 1_000, 1),
    rssBeforeMb: round(rssBeforeMb, 0),
    rssFullMb: round(rssFullMb, 0),
    rssDrainingMb: tenths(looks).map((mb) => round(mb, 0)),
  };
}

/** The most of each tenth of a series, in its order. */
function tenths(series: readonly number[]): number[] {
  const length = Math.max(1, Math.ceil(series.length / 10));
  const parts = Array.from({ length: Math.ceil(series.length / length) }, (_, i) => series.slice(i * length, (i + 1) * length));
  return parts.map((part) => Math.max(...part));
}

/** Answers nobody until it is told to. */
class Gate {
  readonly url: string;
  readonly #waiting: ServerResponse[];
  #isOpen = false;

  private constructor(url: string, waiting: ServerResponse[]) {
    this.url = url;
    this.#waiting = waiting;
  }

  static async open(releases: BenchContext['releases']): Promise<Gate> {
    const waiting: ServerResponse[] = [];
    const server = createServer((_, response) => {
      if (gate.#isOpen) response.end();
      else waiting.push(response);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    releases.add(() => {
      server.closeAllConnections();
      return new Promise<void>((resolve) => server.close(() => resolve()));
    });
    const gate = new Gate(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`, waiting);
    return gate;
  }

  answer(): void {
    this.#isOpen = true;
    for (const response of this.#waiting.splice(0)) response.end();
  }
}
