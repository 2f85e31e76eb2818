import { z } from 'zod';
import { httpDestination } from './destination.ts';
import { isSystemTable, tableArn } from './table-arn.ts';

const text = z.string().min(1);

const members = {
  function: text.optional().describe('Name of a function'),
  queue: text.optional().describe('Name of a queue'),
  http: z
    .url({ protocol: /^https?$/ })
    .optional()
    .describe('Address that is posted to'),
  cloudEvents: z
    .enum(['structured', 'binary'])
    .optional()
    .describe('Post a CloudEvent: as one JSON document, or with its attributes as headers; for http'),
  bucket: text.optional().describe('Name of a bucket'),
  prefix: z.string().optional().describe('Beginning of the keys, for a bucket'),
};

/** Where what was given up of a batch goes, as hearth.yaml says it. */
export const destination = z
  .strictObject(members)
  .refine((d) => given(d.function, d.queue, d.http, d.bucket) === 1, { error: 'give exactly one of function, queue, http and bucket' })
  .refine((d) => d.cloudEvents === undefined || d.http !== undefined, { error: 'only http has it', path: ['cloudEvents'] });

const bus = z.literal('default').optional().describe('The event bus: rules say who gets it');

/** Where a failure goes. */
export const failureDestination = z
  .strictObject({ ...members, bus })
  .refine((d) => given(d.function, d.queue, d.http, d.bucket, d.bus) === 1, {
    error: 'give exactly one of function, queue, http, bucket and bus',
  })
  .refine((d) => d.cloudEvents === undefined || d.http !== undefined, { error: 'only http has it', path: ['cloudEvents'] });

/** Where a success goes. */
export const successDestination = z
  .strictObject({
    ...members,
    bus,
    table: z
      .string()
      .regex(/^(?:[^.\s"/]{1,63}\.)?[^.\s"/]{1,63}$/, { error: 'TABLE or SCHEMA.TABLE' })
      .refine((name) => !isSystemTable(name), { error: 'is a system’s own table' })
      .optional()
      .describe('Table, or SCHEMA.TABLE: what the function answered, an object or a list of them, is written as rows'),
    connection: z
      .string()
      .regex(/^[A-Za-z_][A-Za-z0-9_]*$/)
      .optional()
      .describe(
        'Name of a variable, of the function or the server, with the connection string of another server; for a table. Default: the database app',
      ),
  })
  .refine((d) => given(d.function, d.queue, d.http, d.bucket, d.bus, d.table) === 1, {
    error: 'give exactly one of function, queue, http, bucket, table and bus',
  })
  .refine((d) => d.cloudEvents === undefined || d.http !== undefined, { error: 'only http has it', path: ['cloudEvents'] })
  .refine((d) => d.connection === undefined || d.table !== undefined, { error: 'only table has it', path: ['connection'] });

function given(...all: readonly unknown[]): number {
  return all.filter((one) => one !== undefined).length;
}

export type DestinationManifest = z.output<typeof successDestination>;

/** The same as one text: an ARN or an address. */
export function destinationAddress(
  d: Partial<DestinationManifest>,
  { accountId, region }: { readonly accountId: string; readonly region: string },
): string {
  if (d.function !== undefined) return `arn:aws:lambda:${region}:${accountId}:function:${d.function}`;
  if (d.queue !== undefined) return `arn:aws:sqs:${region}:${accountId}:${d.queue}`;
  if (d.bucket !== undefined) return `arn:aws:s3:::${d.bucket}${d.prefix === undefined ? '' : `/${d.prefix}`}`;
  if (d.bus !== undefined) return `arn:aws:events:${region}:${accountId}:event-bus/default`;
  if (d.table !== undefined) return tableArn({ accountId, region, configuration: d }, d.table);
  return httpDestination(d.http ?? '', d.cloudEvents);
}
