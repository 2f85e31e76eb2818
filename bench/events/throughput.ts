import type { BenchContext } from '../bench.ts';
import { BenchHearth } from '../hearth.ts';
import { round } from '../stats.ts';
import { cpuMsEach, cpuUse, LedgerView, sendWhile, type CpuUse } from './flow.ts';

const SECONDS = 10;
/** For counting statements. */
const COUNTED = 3_000;

export interface Throughput {
  /** Sent and run, from the first to the last, each second. */
  readonly asyncPerSecond: number;
  readonly n: number;
  /** CPU time for each event, milliseconds. */
  readonly cpuMsEach: CpuUse;
}

/** Sustained: 32 senders for some seconds, until the last event has run and its end is written. The function `echo` must be deployed. */
export async function measureThroughput(hearth: BenchHearth, { releases, options, tell }: BenchContext): Promise<Throughput> {
  const seconds = options.seconds ?? SECONDS;
  tell(`asynchronous events by 32 at once, ${seconds} s`);
  const ledger = await LedgerView.open(hearth, releases);
  const { pid } = await hearth.client.status();
  await sendWhile(hearth, (sent) => sent < 500); // instances for the load are there afterwards
  await ledger.settled();
  const before = await cpuUse(pid);
  const beganMs = Date.now();
  const ids = await sendWhile(hearth, () => Date.now() - beganMs < seconds * 1_000);
  const lastMs = await ledger.settled();
  const used = cpuMsEach(before, await cpuUse(pid), ids.length);
  const each = (ms: number): number => round(ms, 3);
  return {
    asyncPerSecond: round((ids.length * 1_000) / (lastMs - beganMs), 0),
    n: ids.length,
    cpuMsEach: { server: each(used.server), postgres: each(used.postgres), functions: each(used.functions), sender: each(used.sender) },
  };
}

/** What the database did for each event. */
export interface StatementCost {
  readonly statements: number;
  readonly transactions: number;
  /** Write-ahead log, bytes. */
  readonly walBytes: number;
  /** The statements that took the most time, with their calls and their milliseconds for each event. */
  readonly dearest: readonly { readonly statement: string; readonly calls: number; readonly ms: number }[];
}

interface Counted {
  readonly query: string;
  readonly calls: number;
  readonly ms: number;
  readonly wal: number;
}

/** The same load with PostgreSQL counting statements, in a server of its own: counting has a cost. */
export async function countStatements({ releases, tell }: BenchContext): Promise<StatementCost> {
  tell(`statements of ${COUNTED} events`);
  const home = await BenchHearth.makeHome(releases);
  const first = await BenchHearth.start(releases, home);
  const setUp = await LedgerView.open(first, releases);
  await setUp.client.query("alter system set shared_preload_libraries = 'pg_stat_statements'");
  await first.stop();
  const hearth = await BenchHearth.start(releases, home);
  await hearth.deploy('bench/functions/hearth.yaml', 'echo');
  const ledger = await LedgerView.open(hearth, releases);
  const { client } = ledger;
  await client.query('create extension if not exists pg_stat_statements');
  await sendWhile(hearth, (sent) => sent < 500);
  await ledger.settled();
  await client.query('select pg_stat_statements_reset()');
  await sendWhile(hearth, (sent) => sent < COUNTED);
  await ledger.settled();
  const { rows } = await client.query<Counted>(
    `select query, calls::float8 as calls, total_exec_time as ms, wal_bytes::float8 as wal from pg_stat_statements
     where query !~ 'pg_stat|finished_at\\)|count\\(\\*\\)' order by total_exec_time desc`,
  );
  await hearth.stop();
  const total = (of: (row: Counted) => number): number => rows.reduce((sum, row) => sum + of(row), 0);
  const control = (query: string): boolean => /^(begin|commit|rollback)/i.test(query);
  return {
    statements: round(total((r) => r.calls) / COUNTED, 3),
    transactions: round(total((r) => (/^commit/i.test(r.query) ? r.calls : 0)) / COUNTED, 3),
    walBytes: round(total((r) => r.wal) / COUNTED, 0),
    dearest: rows
      .filter((r) => !control(r.query))
      .slice(0, 8)
      .map((r) => ({
        statement: r.query.replaceAll(/\s+/g, ' ').slice(0, 90),
        calls: round(r.calls / COUNTED, 3),
        ms: round(r.ms / COUNTED, 4),
      })),
  };
}
