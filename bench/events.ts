import type { Bench, BenchContext, Report } from './bench.ts';
import { measureBacklog } from './events/backlog.ts';
import { followTable, rowsPerSecond } from './events/database.ts';
import { measureQueues } from './events/queues.ts';
import { measureRecovery } from './events/recovery.ts';
import { sourceDelays, SOURCES } from './events/sources.ts';
import { countStatements, measureThroughput } from './events/throughput.ts';
import { measureUploads, UPLOADS_NOTE, uploadTable } from './events/uploads.ts';
import { BenchHearth } from './hearth.ts';
import { chosen } from './options.ts';
import { round } from './stats.ts';
import type { Table } from './table.ts';

const SPARSE = 200;
const ROWS = 20_000;

/** What one case adds to the report. */
interface Part {
  readonly tables: readonly Table[];
  readonly figures: Readonly<Record<string, unknown>>;
  readonly notes?: readonly string[];
}

type Case = (hearth: BenchHearth, context: BenchContext) => Promise<Part>;

/** In the order in which they are run; the last ends the server. */
const CASES: Readonly<Record<string, Case>> = { sources, rows, uploads, async: throughput, statements, queues, backlog, recovery };

export const events: Bench = {
  name: 'events',
  what: `from what happens to the start of a function, everything durable: delays, rates, a backlog, recovery (cases: ${Object.keys(CASES).join(', ')})`,
  run: async (context): Promise<Report> => {
    const { releases, options } = context;
    const cases = chosen('cases', options.cases, Object.keys(CASES));
    chosen('only', options.only, SOURCES);
    const hearth = await BenchHearth.start(releases, await BenchHearth.makeHome(releases));
    await hearth.deploy('bench/functions/hearth.yaml', 'echo');
    const parts: Part[] = [];
    for (const name of cases) parts.push(await (CASES[name] as Case)(hearth, context));
    return {
      tables: parts.flatMap((p) => p.tables),
      notes: parts.flatMap((p) => p.notes ?? []),
      figures: Object.assign({}, ...parts.map((p) => p.figures)) as Record<string, unknown>,
    };
  },
};

async function sources(hearth: BenchHearth, context: BenchContext): Promise<Part> {
  const rows_ = await sourceDelays(hearth, context, { count: SPARSE, only: chosen('only', context.options.only, SOURCES) });
  const title = 'From sending (a tick: from when it was due) to the start of the function, ms';
  const table = { title, columns: ['source', 'n', 'p50', 'p99'], rows: rows_.map((r) => [r.source, r.n, r.p50, r.p99]) };
  const note =
    'Sources: one event at a time, each sent over HTTP or SQL by another process; ten ticks are due at once. Uploads: 1 kB by the AWS SDK, from before its request to the start.';
  return { tables: [table], figures: { rows: rows_ }, notes: [note] };
}

async function rows(hearth: BenchHearth, { releases, options, tell }: BenchContext): Promise<Part> {
  const table = await followTable(hearth, releases, 'bench_batches');
  const count = options.n ?? ROWS;
  tell(`${count} rows in transactions of 100`);
  const perSecond = round(await rowsPerSecond(table, count), 0);
  await hearth.deploy('bench/functions/hearth.yaml', 'arrivals', { triggers: [] });
  return {
    tables: [{ title: 'Changes of a table, batches of 100, to the last start', columns: ['rows', 'a second'], rows: [[count, perSecond]] }],
    figures: { rowsPerSecond: perSecond },
  };
}

async function uploads(hearth: BenchHearth, context: BenchContext): Promise<Part> {
  const measured = await measureUploads(hearth, context, null);
  return {
    tables: [uploadTable(measured)],
    figures: { uploads: measured, uploadMbPerSecond: measured.at(-1)?.mbPerSecond ?? null },
    notes: [UPLOADS_NOTE],
  };
}

async function throughput(hearth: BenchHearth, context: BenchContext): Promise<Part> {
  const { asyncPerSecond, n, cpuMsEach } = await measureThroughput(hearth, context);
  const { server, postgres, functions, sender } = cpuMsEach;
  return {
    tables: [
      {
        title: 'Asynchronous events sent by 32 at once and run, everything durable; CPU time of each, ms',
        columns: ['events', 'a second', 'server', 'PostgreSQL', 'functions', 'the sender'],
        rows: [[n, asyncPerSecond, server, postgres, functions, sender]],
      },
    ],
    figures: { asyncPerSecond, asyncEvents: n, cpuMsEach },
  };
}

async function statements(_: BenchHearth, context: BenchContext): Promise<Part> {
  const { dearest, ...cost } = await countStatements(context);
  return {
    tables: [
      {
        title: 'What the database does for each event of that load',
        columns: ['statements', 'transactions', 'WAL bytes'],
        rows: [[cost.statements, cost.transactions, cost.walBytes]],
      },
      {
        title: 'The dearest statements',
        columns: ['statement', 'calls', 'ms'],
        rows: dearest.map((d) => [d.statement, d.calls, d.ms]),
      },
    ],
    figures: { statements: { ...cost, dearest } },
  };
}

async function queues(_: BenchHearth, context: BenchContext): Promise<Part> {
  const { rows: measured, notes } = await measureQueues(context);
  return {
    tables: [
      {
        title: 'Queues of jobs in PostgreSQL: one at a time, ms; 5,000 sent by 32 at once, sent and run',
        columns: ['', 'p50', 'p99', 'a second'],
        rows: measured.map((r) => [r.queue, r.p50, r.p99, r.perSecond]),
      },
    ],
    figures: { queues: measured },
    notes: [
      ...notes,
      'Hearth: over HTTP, and each event runs a function in a process of its own. The queues: enqueued and run by a no-op within one process.',
    ],
  };
}

async function backlog(hearth: BenchHearth, context: BenchContext): Promise<Part> {
  const b = await measureBacklog(hearth, context);
  return {
    tables: [
      {
        title: 'A backlog of one function; a thousand events of another come while it drains; memory of the server, MB',
        columns: [
          'events',
          'accepted/s',
          'drained/s',
          'drained in s',
          'the others in s',
          'RSS before',
          'RSS full',
          'by tenths of draining',
        ],
        rows: [
          [
            b.n,
            b.acceptedPerSecond,
            b.drainedPerSecond,
            b.drainSeconds,
            b.othersSeconds,
            b.rssBeforeMb,
            b.rssFullMb,
            b.rssDrainingMb.join(' '),
          ],
        ],
      },
    ],
    figures: { backlog: b },
  };
}

async function recovery(hearth: BenchHearth, context: BenchContext): Promise<Part> {
  const r = await measureRecovery(hearth, context);
  return {
    tables: [
      {
        title: 'kill -9 of the server after a thousand events were acknowledged, s',
        columns: ['until it serves', 'until all have run', 'lost'],
        rows: [[r.servingSeconds, r.recoverySeconds, r.lost]],
      },
    ],
    figures: { ...r },
  };
}
