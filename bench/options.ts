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
}

export const USAGE = `npm run bench [-- NAME] [options]

  --json          one JSON object as the last line (without NAME: {NAME: object, ...})
  --n COUNT       starts of each row: cold (200), peers (5); rows of a table: triggers (20000)
  --rounds COUNT  rounds: overhead (5), peers (3), triggers (3)
  --seconds S     length of a round: overhead (5), peers (3)
  --only A,B      rows to make: functions (cold), instance counts (scale), peers (peers)
  --rungs A,B     of disk, zygote, snapshot (cold)`;

/** What was asked for on the command line. Throws an Error that a person can act on. */
export function parseOptions(args: readonly string[]): Options {
  const text = { type: 'string' } as const;
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: { json: { type: 'boolean', default: false }, n: text, rounds: text, seconds: text, only: text, rungs: text },
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
