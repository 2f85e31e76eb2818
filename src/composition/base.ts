import type { Config } from '../config/config.ts';
import type { Clock } from '../lib/clock.ts';
import type { Closing } from '../lib/closing.ts';
import type { Ids } from '../lib/ids.ts';
import type { Logger } from '../observe/logger.ts';
import type { Drain } from './drain.ts';

/** What every part is given. */
export interface Base {
  readonly config: Config;
  readonly log: Logger;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly closing: Closing;
  /** What begins work is told here, first of all, that the server ends. */
  readonly drain: Drain;
}
