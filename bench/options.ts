import { parseArgs } from 'node:util';

export interface Options {
  /** Null: every benchmark. */
  readonly name: string | null;
  readonly json: boolean;
  /** Starts of each row (cold, peers); null: the benchmark's own count. */
  readonly n: number | null;
  readonly rounds: number | null;
  /** Length of one round. */
  readonly seconds: number | null;
  /** Rows to make: functions, instance counts or peers; null: all. */
  readonly only: readonly string[] | null;
  readonly rungs: readonly string[] | null;
  /** Groups of rows (cold), parts (events). */
  readonly cases: readonly string[] | null;
  /** Most instances of a row (density, rate), or of each contender (detectors). */
  readonly count: number | null;
  /** A trace of calls (keepalive); null: the project's own. */
  readonly trace: string | null;
  /** Every call of the trace, also those that no policy could miss (keepalive). */
  readonly all: boolean;
  /** Signs every call (overhead). */
  readonly signed: boolean;
}

export const USAGE = `npm run bench [-- NAME] [options]

  --json          one JSON object as the last line (without NAME: {NAME: object, ...})
  --n COUNT       starts of each row: cold (200), churn (30), dev (30), peers (5), detectors (5);
                  sparse calls of each instance: density (60); rows of a table: triggers, events (20000); the backlog: events (100000)
  --rounds COUNT  rounds: overhead (5), peers (3), triggers (3)
  --seconds S     length of a round: overhead (5), peers (3), of a look: density (5), of a storm: rate (5), of it all: churn (300), of the load: events (10)
  --only A,B      rows to make: functions (cold, density, dev), instance counts (scale), peers (peers), contenders (detectors), policies (keepalive), sources (events)
  --rungs A,B     of disk, zygote, snapshot (cold)
  --cases A,B     of plain, picture, state, children, load (cold); of sources, rows, uploads, async, statements, queues, backlog, recovery (events)
  --count COUNT   instances: at most so many (density 5000, rate 1000, cold's children 1000), each contender's (detectors 50)
  --trace FILE    a trace of calls per minute (keepalive)
  --all           replays every call, not at most 20 a minute of each function (keepalive)
  --signed        signs every call (overhead); elsewhere, and without it, the server runs in anonymous mode`;

/** What was asked for on the command line. Throws an Error that a person can act on. */
export function parseOptions(args: readonly string[]): Options {
  const text = { type: 'string' } as const;
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      json: { type: 'boolean', default: false },
      n: text,
      rounds: text,
      seconds: text,
      only: text,
      rungs: text,
      cases: text,
      count: text,
      trace: text,
      all: { type: 'boolean', default: false },
      signed: { type: 'boolean', default: false },
    },
  });
  if (positionals.length > 1) throw new Error(`one benchmark at a time, or all: not ${positionals.join(' ')}`);
  return {
    name: positionals[0] ?? null,
    json: values.json,
    n: count('n', values.n),
    rounds: count('rounds', values.rounds),
    seconds: positive('seconds', values.seconds),
    only: list(values.only),
    rungs: list(values.rungs),
    cases: list(values.cases),
    count: count('count', values.count),
    trace: values.trace ?? null,
    all: values.all,
    signed: values.signed,
  };
}

function count(name: string, text: string | undefined): number | null {
  const value = positive(name, text);
  if (value !== null && !Number.isInteger(value)) throw new Error(`--${name} takes a whole number, not ${text}`);
  return value;
}

function positive(name: string, text: string | undefined): number | null {
  if (text === undefined) return null;
  const value = Number(text);
  if (!(value > 0 && Number.isFinite(value))) throw new Error(`--${name} takes a number above 0, not ${text}`);
  return value;
}

function list(text: string | undefined): string[] | null {
  return text === undefined ? null : text.split(',').filter((part) => part !== '');
}
