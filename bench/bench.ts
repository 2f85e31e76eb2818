import type { Options } from './options.ts';
import type { Releases } from './releases.ts';
import type { Table } from './table.ts';

export interface BenchContext {
  readonly options: Options;
  /** Everything that must be gone at the end, however that comes. */
  readonly releases: Releases;
  /** Progress, for a person; never part of a figure. */
  readonly tell: (message: string) => void;
}

export interface Report {
  readonly tables: readonly Table[];
  /** What was left out and why, and what a reader should know of this run. */
  readonly notes: readonly string[];
  /** The keys of the benchmark's JSON object. */
  readonly figures: Readonly<Record<string, unknown>>;
}

/** One benchmark. It measures; what its figures should be is for a reader to say, so it never fails for being slow. */
export interface Bench {
  readonly name: string;
  readonly what: string;
  run(context: BenchContext): Promise<Report>;
}
