import { z } from 'zod';
import { loggingOf, type Logging, type LogLevel, type SystemLogLevel } from './logging.ts';

/** `logging` of a function in hearth.yaml. */
export const loggingManifest = z
  .strictObject({
    format: z
      .enum(['text', 'json'])
      .default('text')
      .describe('json: each line an object, the platform’s own too, as Lambda’s LogFormat JSON'),
    level: z
      .enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal'])
      .optional()
      .describe('The least severe of what the function logs that is kept; only with json. Default: info'),
    systemLevel: z
      .enum(['debug', 'info', 'warn'])
      .optional()
      .describe('The same for what the platform says of invocations; only with json. Default: info'),
    group: z
      .string()
      .regex(/^[\w./#-]{1,512}$/, { error: 'must be letters, digits and . - _ / #' })
      .optional()
      .describe('Log group; several functions may share one. Default: /aws/lambda/NAME'),
  })
  .refine((l) => l.format === 'json' || (l.level === undefined && l.systemLevel === undefined), {
    error: 'level and systemLevel need format: json',
  });

/** What it means; undefined: what a function has that says nothing. */
export function loggingFrom(manifest: z.output<typeof loggingManifest> | undefined): Logging | undefined {
  if (manifest === undefined) return undefined;
  return loggingOf(manifest.format === 'json' ? 'JSON' : 'Text', {
    applicationLevel: (manifest.level?.toUpperCase() as LogLevel | undefined) ?? null,
    systemLevel: (manifest.systemLevel?.toUpperCase() as SystemLogLevel | undefined) ?? null,
    group: manifest.group ?? null,
  });
}
