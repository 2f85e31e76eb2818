import { z } from 'zod';
import { HearthError } from '../errors.ts';
import { ExpressionError } from '../lib/calendar/cron-fields.ts';
import { parseSchedule, type ScheduleSpec } from '../lib/calendar/schedule.ts';
import { destination } from './destination-manifest.ts';
import { explain } from './manifest-errors.ts';
import { isSystemTable } from './table-arn.ts';
import { SHORT_FORMS } from './trigger-short.ts';

const text = z.string().min(1);
const enabled = z.boolean().optional().describe('false: registered, and does nothing; default: true');
const triggerName = z.string().regex(/^[0-9a-zA-Z_.-]{1,64}$/, { error: 'must be up to 64 letters, digits, dots, - or _' });

const rowValue = z.union([z.string(), z.number(), z.boolean(), z.null()]);
const tableName = z
  .string()
  .regex(/^([^.\s"]{1,63}\.)?[^.\s"]{1,63}$/, { error: 'must be TABLE or SCHEMA.TABLE' })
  .refine((name) => !isSystemTable(name), { error: 'is a system’s own table, and triggers nothing' });

/** Says which part of a schedule is wrong, at that part. */
function checkSchedule(schedule: ScheduleSpec, context: z.core.$RefinementCtx<ScheduleSpec>): void {
  const { cron, rate, at, everySeconds } = schedule;
  if ([cron, rate, at, everySeconds].filter((given) => given !== undefined).length !== 1) {
    context.addIssue({ code: 'custom', message: 'give exactly one of cron, rate, at and everySeconds' });
    return;
  }
  try {
    parseSchedule(schedule, 0);
  } catch (error) {
    if (!(error instanceof ExpressionError)) throw error;
    const [, part = '', what = error.message] = /^(\w+): (.*)$/s.exec(error.message) ?? [];
    context.addIssue({ code: 'custom', message: what, path: part === '' ? [] : [part] });
  }
}

/** Says of what is neither text that means something nor the long form how it is written. */
function shortOr(kind: keyof typeof SHORT_FORMS): { error: (issue: { readonly code?: string | undefined }) => string | undefined } {
  return { error: ({ code }) => (code === 'invalid_type' ? `must be ${SHORT_FORMS[kind]}, or its long form with keys` : undefined) };
}

/** What becomes of a batch that the function failed, as event source mappings have it. */
const BATCHES = {
  retries: z.int().min(-1).max(10_000).optional().describe('How often what failed of a batch is tried again; -1: until it goes well'),
  maxRecordAgeSeconds: z
    .union([z.literal(-1), z.int().min(60).max(604_800)], { error: 'must be -1 or 60 to 604800' })
    .optional()
    .describe('Changes that are older are given up; -1: none is'),
  bisect: z.boolean().optional().describe('Divide a batch that failed, until what is wrong with it is alone'),
  reportBatchItemFailures: z
    .boolean()
    .optional()
    .describe('The function says from which record on it failed: { batchItemFailures: [{ itemIdentifier: eventID }] }'),
  onFailure: z
    .union([text, destination], { error: 'must be an ARN, an address, or one of function, queue, http and bucket' })
    .optional()
    .describe('Who is told of changes that were given up'),
};

/** What may turn something that happened into an event, by kind: the value under the kind's name in hearth.yaml. */
const TRIGGERS = {
  http: z.strictObject({ auth: z.enum(['none', 'aws_iam']).default('none') }).describe('A function URL; the same as `url`'),
  objects: z
    .strictObject(
      {
        bucket: text.describe('Bucket whose uploads trigger the function'),
        prefix: z.string().optional().describe('Only keys that start with this'),
        suffix: z.string().optional().describe('Only keys that end with this'),
        events: z
          .array(z.enum(['created', 'removed']))
          .min(1)
          .optional()
          .describe('What must happen to an object; default: created'),
        shape: z.enum(['s3', 'eventbridge', 'cloudevents']).optional().describe('Whose form the event has; default: s3'),
        external: z.boolean().optional().describe('The bucket is another store’s, which sends its events to /hearth/v1/webhooks/s3'),
      },
      shortOr('objects'),
    )
    .describe('Uploads to a bucket'),
  database: z
    .strictObject(
      {
        name: triggerName.optional().describe('Keeps the trigger the same when its tables change; tells two of one function apart'),
        table: tableName.optional().describe('Table, with its schema if that is not public'),
        tables: z.array(tableName).min(1).max(100).optional().describe('Several tables, instead of table'),
        connection: z
          .string()
          .regex(/^[A-Za-z_][A-Za-z0-9_]*$/, { error: 'must be the name of an environment variable, not a connection string' })
          .optional()
          .describe('Environment variable, of the function or of the server, with the connection string; default: the database `app` here'),
        events: z
          .array(z.enum(['insert', 'update', 'delete', 'truncate']))
          .min(1)
          .optional()
          .describe('Changes that count; default: insert, update and delete'),
        columns: z.array(text).min(1).optional().describe('Only these columns are in the images, beside the key'),
        where: z
          .record(text, z.union([rowValue, z.array(rowValue).min(1)]))
          .optional()
          .describe('Only rows whose columns have this value, or one of these'),
        batchSize: z.int().min(1).max(10_000).optional().describe('Most changes in one event; default: 100'),
        batchingWindowSeconds: z.number().min(0).max(300).optional().describe('How long to wait for a full batch; default: 0'),
        parallel: z.int().min(1).max(16).optional().describe('Batches that may run at once; changes of one row never do. Default: 4'),
        backfill: z.boolean().optional().describe('Begin with the rows that are there already'),
        filters: z
          .array(z.record(z.string(), z.json()))
          .max(10)
          .optional()
          .describe('EventBridge patterns of records; a change that fits none is dropped'),
        ...BATCHES,
        enabled,
      },
      shortOr('database'),
    )
    .refine((d) => (d.table === undefined) !== (d.tables === undefined), { error: 'give either table or tables' })
    .describe('Changes of tables'),
  schedule: z
    .strictObject(
      {
        name: triggerName.optional().describe('Keeps the schedule the same when its time changes; in its ARN'),
        cron: text.optional().describe('Five fields, 0 6 * * *, or EventBridge’s six, cron(0 6 * * ? *)'),
        rate: text.optional().describe('rate(5 minutes): minutes, hours or days'),
        at: text.optional().describe('Once: 2027-01-31T06:00:00, in the time zone'),
        everySeconds: z.int().min(1).max(31_536_000).optional().describe('Interval in seconds'),
        timezone: text.optional().describe('IANA name, such as Europe/Madrid; default UTC'),
        start: text.optional().describe('Nothing before this date and time'),
        end: text.optional().describe('Nothing after this date and time'),
        flexibleMinutes: z
          .int()
          .min(1)
          .max(1440)
          .optional()
          .describe('Fire anywhere within so many minutes after the time, to spread load'),
        input: z
          .json()
          .optional()
          .describe('The event; default: the schedule’s own. <aws.scheduler.scheduled-time> and its like are filled in'),
        enabled,
      },
      shortOr('schedule'),
    )
    .superRefine(checkSchedule)
    .describe('A clock'),
  queue: z
    .strictObject(
      {
        queue: text.describe('Name of the queue'),
        batchSize: z.int().min(1).max(10_000).optional().describe('Most messages in one event'),
        batchingWindowSeconds: z.number().min(0).max(300).optional().describe('How long to wait for a full batch'),
        maxConcurrency: z.int().min(1).max(1_000).optional().describe('Most batches that run at once'),
        reportBatchItemFailures: z
          .boolean()
          .optional()
          .describe('The function says which messages failed: { batchItemFailures: [{ itemIdentifier }] }'),
        filters: z
          .array(z.record(z.string(), z.json()))
          .max(10)
          .optional()
          .describe('EventBridge patterns; a message that fits none is dropped'),
        enabled,
      },
      shortOr('queue'),
    )
    .describe('Messages of a queue, which is made if it is not there'),
};

export type TriggerKind = keyof typeof TRIGGERS;

const TRIGGER_KINDS = Object.keys(TRIGGERS) as TriggerKind[];

/** One trigger: an object with exactly one member, named after the kind. */
export const trigger = z
  .strictObject({
    http: TRIGGERS.http.optional(),
    objects: TRIGGERS.objects.optional(),
    database: TRIGGERS.database.optional(),
    schedule: TRIGGERS.schedule.optional(),
    queue: TRIGGERS.queue.optional(),
  })
  .refine((t) => Object.values(t).filter((v) => v !== undefined).length === 1, {
    error: `must have exactly one of ${TRIGGER_KINDS.join(', ')}`,
  })
  .meta({ minProperties: 1, maxProperties: 1 });

/** For the JSON schema: the kinds that may be given as text. */
export function shortIn({ zodSchema, jsonSchema }: { zodSchema: z.core.$ZodTypes; jsonSchema: z.core.JSONSchema.BaseSchema }): void {
  for (const [kind, form] of Object.entries(SHORT_FORMS)) {
    if ((zodSchema as unknown) !== TRIGGERS[kind as keyof typeof SHORT_FORMS]) continue;
    const { description: _, ...long } = jsonSchema;
    for (const key of Object.keys(long)) delete jsonSchema[key];
    jsonSchema.anyOf = [{ type: 'string', description: `In short: ${form}` }, long];
  }
}

export type TriggerManifest = z.output<typeof trigger>;

/** The value under the kind's name, parsed. */
export type TriggerConfiguration<K extends TriggerKind = TriggerKind> = NonNullable<TriggerManifest[K]>;

/** A kind and its value as they were stored, checked again. Throws HearthError InvalidParameterValueException. */
export function parseTrigger<K extends TriggerKind>(
  kind: string,
  configuration: unknown,
): { kind: K; configuration: TriggerConfiguration<K> } {
  const known = TRIGGER_KINDS.find((k) => k === kind) as K | undefined;
  if (known === undefined) throw new HearthError('InvalidParameterValueException', `triggers of the kind '${kind}' are not known`);
  return { kind: known, configuration: explain(trigger, { [known]: configuration })[known] as TriggerConfiguration<K> };
}

/** The kind of a trigger that the schema has accepted. */
export function triggerKind(t: TriggerManifest): TriggerKind {
  const kind = TRIGGER_KINDS.find((k) => t[k] !== undefined);
  if (kind === undefined) throw new Error('a trigger without a kind');
  return kind;
}
