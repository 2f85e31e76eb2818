import { pino, type Logger } from 'pino';

export type { Logger };

/** The server's own log: JSON lines on stderr. Handed down as children that already know what they speak of. */
export function createLogger(level: string): Logger {
  return pino({ level, base: null, timestamp: pino.stdTimeFunctions.isoTime }, pino.destination({ fd: 2, sync: false }));
}
