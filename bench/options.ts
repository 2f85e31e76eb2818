import { parseArgs } from 'node:util';

/** What was asked for and does not exist: nothing was measured, and a person has to ask for something else. */
export class Misunderstood extends Error {}

export interface Options {
  /** Null: every benchmark. */
  readonly name: string | null;
  /** Tells what there is instead. */
  readonly help: boolean;
  readonly json: boolean;
  /** Starts of each row (cold, peers); null: the benchmark's own count. */
  readonly n: number | null;
  readonly rounds: number | null;
  /** Length of one round. */
  readonly seconds: number | null;
  /** Rows to make: functions, instance counts or peers; null: all. `chosen` checks them. */
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

  --help          what there is
  --json          one JSON object as the last line (without NAME: {NAME: object, ...})
  --n COUNT       starts of each row: cold (200), churn (30), dev (30), peers (5), detectors (5);
                  sparse calls of each instance: density (60); rows of a table: triggers, events (20000); the backlog: events (100000);
                  answers of each way: stream (400); made-up requests of each operation: conformance (40)
  --rounds COUNT  rounds: overhead (5), peers (3), triggers (3)
  --seconds S     length of a round: overhead (5), peers (3), of a look: density (5), of a storm: rate (5), of it all: churn (300), of the load: events (10)
  --only A,B      rows to make: functions (cold, density, dev), instance counts (scale), peers (peers), contenders (detectors), policies (keepalive), sources (events), sizes (uploads),
                  parts of recordings' names (conformance)
  --rungs A,B     of disk, zygote, snapshot (cold)
  --cases A,B     of plain, picture, state, children, load (cold); of sources, rows, uploads, async, statements, queues, backlog, recovery (events)
  --count COUNT   instances: at most so many (density 5000, rate 1000, cold's children 1000), each contender's (detectors 50)
  --trace FILE    a trace of calls per minute (keepalive)
  --all           replays every call, not at most 20 a minute of each function (keepalive)
  --signed        signs every call (overhead); elsewhere, and without it, the server runs in anonymous mode`;

const TEXT = { type: 'string' } as const;
const FLAG = { type: 'boolean', default: false } as const;

/** What was asked for on the command line. Throws Misunderstood. */
export function parseOptions(args: readonly string[]): Options {
  const { values, positionals } = parsed(args);
  if (positionals.length > 1) throw new Misunderstood(`one benchmark at a time, or all: not ${positionals.join(' ')}`);
  return {
    name: positionals[0] ?? null,
    help: values.help,
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

function parsed(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        help: { ...FLAG, short: 'h' },
        json: FLAG,
        n: TEXT,
        rounds: TEXT,
        seconds: TEXT,
        only: TEXT,
        rungs: TEXT,
        cases: TEXT,
        count: TEXT,
        trace: TEXT,
        all: FLAG,
        signed: FLAG,
      },
    });
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    // Node.js goes on to say how an argument is given that begins with a dash; here none does.
    const option = code === 'ERR_PARSE_ARGS_UNKNOWN_OPTION' ? /'([^']+)'/.exec(message)?.[1] : undefined;
    throw new Misunderstood(option === undefined ? message : `there is no option ${option}`, { cause: error });
  }
}

/** Those of `all` that `--option` names, in the order of `all`; all of them when it was not given. Throws Misunderstood when it names something else, or nothing. */
export function chosen<T extends string>(option: string, asked: readonly string[] | null, all: readonly T[]): readonly T[] {
  if (asked === null) return all;
  const unknown = asked.filter((name) => !(all as readonly string[]).includes(name));
  if (unknown.length > 0 || asked.length === 0)
    throw new Misunderstood(`--${option} takes ${all.join(', ')}: not ${unknown.join(', ') || 'nothing'}`);
  return all.filter((name) => asked.includes(name));
}

function count(name: string, text: string | undefined): number | null {
  const value = positive(name, text);
  if (value !== null && !Number.isInteger(value)) throw new Misunderstood(`--${name} takes a whole number, not ${text}`);
  return value;
}

function positive(name: string, text: string | undefined): number | null {
  if (text === undefined) return null;
  const value = Number(text);
  if (!(value > 0 && Number.isFinite(value))) throw new Misunderstood(`--${name} takes a number above 0, not ${text}`);
  return value;
}

function list(text: string | undefined): string[] | null {
  return text === undefined ? null : text.split(',').filter((part) => part !== '');
}
