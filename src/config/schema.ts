import { z } from 'zod';

const decimal = z.string().regex(/^\d+(\.\d+)?$/, 'an exact decimal as text, such as "0.0000166667"');
const positive = z.number().int().positive();
const notNegative = z.number().int().nonnegative();

/** `config.yaml` in HEARTH_HOME: any part of the configuration; what it leaves out has its default. */
export const configFileSchema = z.strictObject({
  host: z.string().optional(),
  port: z.number().int().min(0).max(65_535).optional(),
  accountId: z
    .string()
    .regex(/^\d{12}$/)
    .optional(),
  region: z
    .string()
    .regex(/^[a-z]{2}(-[a-z]+)+-\d$/)
    .optional(),
  databaseUrl: z.string().nullable().optional(),
  allowedHosts: z.array(z.string()).optional(),
  logLevel: z.enum(['debug', 'info', 'warn', 'error', 'silent']).optional(),
  watch: z.array(z.strictObject({ bucket: z.string().min(3), folder: z.string().startsWith('/', 'an absolute path') })).optional(),
  auth: z.strictObject({ required: z.boolean(), anonymous: z.boolean().nullable() }).partial().optional(),
  limits: z
    .strictObject({
      payloadBytes: positive,
      streamBytes: positive,
      queueLength: notNegative,
      queueMs: notNegative,
      reserveBytes: notNegative,
      instances: positive,
      startsAtOnce: positive,
      forksAtOnce: positive,
      initMs: positive,
      deployInitMs: positive,
      sourceBytes: positive,
      unpackedBytes: positive,
      logBytes: positive,
      drainMs: notNegative,
      callsPerSecond: positive.nullable(),
      callsPerReserved: positive.nullable(),
      requestsPerKey: positive.nullable(),
      snapshotsAtOnce: positive.nullable(),
    })
    .partial()
    .optional(),
  fleet: z
    .strictObject({
      keepAlive: z.enum(['fixed', 'histogram']),
      histogramMinutes: positive.max(24 * 60),
      eviction: z.enum(['greedyDual', 'lru']),
      residentBytes: positive.nullable(),
      prewarmsPerMinute: positive,
      backgroundAtOnce: positive,
      keepAliveMs: notNegative,
      lingerMs: notNegative,
      snapshotKeepMs: notNegative,
      greetingMs: positive,
    })
    .partial()
    .optional(),
  events: z
    .strictObject({
      payloadBytes: positive.max(6 * 1024 * 1024),
      inFlight: positive.max(10_000),
      perFunction: positive.max(10_000),
      keepMs: positive,
      keepCount: notNegative,
    })
    .partial()
    .optional(),
  metering: z
    .strictObject({
      flushMs: positive,
      keepDays: positive.min(3, 'at least 3: a day is summed up when it has been over for one').max(100_000).nullable(),
      currency: z.string(),
      pricePerGbSecond: decimal,
      pricePerMillionRequests: decimal,
      alwaysOnPerHour: decimal,
    })
    .partial()
    .optional(),
});

export type ConfigFile = z.infer<typeof configFileSchema>;
