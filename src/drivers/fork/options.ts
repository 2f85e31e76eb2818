import type { Clock } from '../../lib/clock.ts';
import type { Ids } from '../../lib/ids.ts';
import type { Catalogue } from '../../runtimes/catalogue.ts';
import type { Loopbacks } from '../../sandbox/loopback/loopbacks.ts';
import type { Abilities } from '../../sandbox/abilities.ts';

/** What the fork driver needs. Everything is made by the composition root. */
export interface ForkDriverOptions {
  /** Directory for the sockets and temporary files, made and removed by the driver; short, and not under /tmp where that can be helped. */
  readonly runDirectory: string;
  /** Folder that holds `node/main.cjs` and `python/main.py`. */
  readonly shims: string;
  readonly catalogue: Catalogue;
  /** From sandbox/detect. */
  readonly abilities: Abilities;
  /** Gives instances loopbacks of their own; null: they have the machine's. Closed after the driver, by whoever made it. */
  readonly loopbacks: Loopbacks | null;
  /** Directories that functions have no business in, beside those they can't pass through: the user's home, Hearth's own state. */
  readonly hide: readonly string[];
  readonly clock: Clock;
  readonly ids: Ids;
  /** How long a forked child has to greet, milliseconds. */
  readonly greetingMs: number;
  /** Longest that a forked instance's after-restore hooks may take, milliseconds; RESTORE_LIMIT_MS unless said otherwise. */
  readonly restoreMs?: number;
  /** Longest answer that is passed on; a longer one becomes an error, as on Lambda. */
  readonly answerBytes: number;
  /** Something is not as it should be, and the driver went on. One sentence for whoever runs the server; told once. */
  warn(message: string): void;
}

/** Lambda's limit for after-restore hooks. */
export const RESTORE_LIMIT_MS = 10_000;

/** Lambda's limit of a synchronous answer: 6 MiB and 100 bytes, so that an answer of 6 MiB of text with its quotes passes. */
export const LAMBDA_ANSWER_BYTES = 6_291_556;
