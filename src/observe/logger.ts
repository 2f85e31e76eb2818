import { pino, type Logger } from 'pino';

export type { Logger };

/** The server's own log: JSON lines on stderr, or at the end of the file `path`. Handed down as children that already know what they speak of. */
export function createLogger(level: string, path?: string): Logger {
  return pino(
    { level, base: null, timestamp: pino.stdTimeFunctions.isoTime },
    path === undefined ? pino.destination({ fd: 2, sync: false }) : pino.destination({ dest: path, append: true, sync: true }),
  );
}
