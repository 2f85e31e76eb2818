import { pino, type Logger } from 'pino';
import { systemClock } from '../lib/clock.ts';
import { Away } from './away.ts';

export type { Logger };

/**
 * The server's own log: JSON lines on stderr, or at the end of the file `path`. Handed down as children that already know what they speak of. While the
 * database is away, it is not filled with every request that fails for it.
 */
export function createLogger(level: string, path?: string): Logger {
  const away = new Away(systemClock);
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
    path === undefined ? pino.destination({ fd: 2, sync: false }) : pino.destination({ dest: path, append: true, sync: true }),
  );
}
