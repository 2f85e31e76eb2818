/** How much of what applications and the platform log is kept, the least severe first. */
const LEVELS = ['TRACE', 'DEBUG', 'INFO', 'WARN', 'ERROR', 'FATAL'] as const;
export type LogLevel = (typeof LEVELS)[number];
export const APPLICATION_LEVELS = LEVELS;
export const SYSTEM_LEVELS = ['DEBUG', 'INFO', 'WARN'] as const;
export type SystemLogLevel = (typeof SYSTEM_LEVELS)[number];

/** How a function logs: Lambda's LoggingConfig. */
export interface Logging {
  readonly format: 'Text' | 'JSON';
  /** Of what the function logs; null where the format is Text, which has all. */
  readonly applicationLevel: LogLevel | null;
  /** Of what the platform says of invocations; null where the format is Text. */
  readonly systemLevel: SystemLogLevel | null;
  /** The log group; null: `/aws/lambda/NAME`. */
  readonly group: string | null;
}

/** Lambda's defaults. */
export function loggingOf(format: Logging['format'], more: Partial<Logging> = {}): Logging {
  const json = format === 'JSON';
  return {
    format,
    applicationLevel: json ? (more.applicationLevel ?? 'INFO') : null,
    systemLevel: json ? (more.systemLevel ?? 'INFO') : null,
    group: more.group ?? null,
  };
}
