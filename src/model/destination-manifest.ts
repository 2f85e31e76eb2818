import { z } from 'zod';
import { httpDestination } from './destination.ts';

const text = z.string().min(1);

/** Where an outcome goes, as hearth.yaml says it. */
export const destination = z
  .strictObject({
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
  })
  .refine((d) => [d.function, d.queue, d.http, d.bucket].filter((given) => given !== undefined).length === 1, {
    error: 'give exactly one of function, queue, http and bucket',
  })
  .refine((d) => d.cloudEvents === undefined || d.http !== undefined, { error: 'only http has it', path: ['cloudEvents'] });

export type DestinationManifest = z.output<typeof destination>;

/** The same as one text: an ARN or an address. */
export function destinationAddress(
  d: Omit<DestinationManifest, 'cloudEvents'> & Partial<Pick<DestinationManifest, 'cloudEvents'>>,
  { accountId, region }: { readonly accountId: string; readonly region: string },
): string {
  if (d.function !== undefined) return `arn:aws:lambda:${region}:${accountId}:function:${d.function}`;
  if (d.queue !== undefined) return `arn:aws:sqs:${region}:${accountId}:${d.queue}`;
  if (d.bucket !== undefined) return `arn:aws:s3:::${d.bucket}${d.prefix === undefined ? '' : `/${d.prefix}`}`;
  return httpDestination(d.http ?? '', d.cloudEvents);
}
