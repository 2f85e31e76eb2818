import { pino, type Logger } from 'pino';
import { systemClock } from '../lib/clock.ts';
import { Away } from './away.ts';

export type { Logger };

/** As much waits for a log that can't be written; what comes on top of it is lost. */
const WAITING_BYTES = 1 << 20;

/**
 * The server's own log: JSON lines on stderr, or at the end of the file `path`. Handed down as children that already know what they speak of. While the
 * database is away, it is not filled with every request that fails for it.
 */
export function createLogger(level: string, path?: string): Logger {
  const away = new Away(systemClock);
  const to = pino.destination({
    ...(path === undefined ? { fd: 2 } : { dest: path, append: true }),
    sync: path !== undefined,
    maxLength: WAITING_BYTES,
  });
  // A disk that is full is no reason to end: what could not be written is tried again with the next line.
  to.on('error', () => {});
  return pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      hooks: {
        logMethod(args, method) {
          const more = away.pass(args[0], args[1]);
          if (more === null) return;
          if (more.unsaid === undefined) method.apply(this, args);
          else method.apply(this, [{ ...(args[0] as object), ...more }, ...args.slice(1)] as typeof args);
        },
      },
    },
    to,
  );
}
