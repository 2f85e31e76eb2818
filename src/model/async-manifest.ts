import { z } from 'zod';

const text = z.string().min(1);

const destination = z
  .strictObject({
    function: text.optional().describe('Name of a function'),
    queue: text.optional().describe('Name of a queue'),
    http: z
      .url({ protocol: /^https?$/ })
      .optional()
      .describe('Address that is posted to'),
    bucket: text.optional().describe('Name of a bucket'),
    prefix: z.string().optional().describe('Beginning of the keys, for a bucket'),
  })
  .refine((d) => [d.function, d.queue, d.http, d.bucket].filter((given) => given !== undefined).length === 1, {
    error: 'give exactly one of function, queue, http and bucket',
  });

/** What hearth.yaml says of asynchronous invocations. */
export const asyncManifest = z.strictObject({
  maxAgeSeconds: z
    .int()
    .min(60)
    .max(21_600)
    .optional()
    .describe('Oldest an event may become before it is given up; default: 21600, six hours'),
  retries: z.int().min(0).max(2).optional().describe('How often an event that the function failed is tried again; default: 2'),
  onSuccess: destination.optional().describe('Who is told of what went well'),
  onFailure: destination.optional().describe('Who is told of what was given up'),
  deadLetter: z
    .strictObject({
      queue: text.optional().describe('Name of a queue'),
      function: text.optional().describe('Name of a function'),
    })
    .refine((d) => (d.queue === undefined) !== (d.function === undefined), { error: 'give either queue or function' })
    .optional()
    .describe('Who gets the event itself when it was given up, with why in message attributes; Lambda’s DeadLetterConfig'),
  recursiveLoop: z
    .enum(['allow', 'terminate'])
    .optional()
    .describe('Whether chains of events may go through the function without end; default: terminate, after 16'),
});

export type AsyncManifest = z.output<typeof asyncManifest>;
type DestinationManifest = z.output<typeof destination>;

/** The same as Lambda's FunctionEventInvokeConfig. */
export function eventInvokeDocument(
  manifest: AsyncManifest,
  scope: { readonly accountId: string; readonly region: string },
): Record<string, unknown> {
  const { maxAgeSeconds, retries, onSuccess, onFailure } = manifest;
  const named = (d: DestinationManifest | undefined): object => (d === undefined ? {} : { Destination: addressOf(d, scope) });
  return {
    ...(maxAgeSeconds === undefined ? {} : { MaximumEventAgeInSeconds: maxAgeSeconds }),
    ...(retries === undefined ? {} : { MaximumRetryAttempts: retries }),
    DestinationConfig: { OnSuccess: named(onSuccess), OnFailure: named(onFailure) },
  };
}

/** The same as Lambda's DeadLetterConfig; null: none. */
export function deadLetterConfig(
  manifest: AsyncManifest | undefined,
  scope: { readonly accountId: string; readonly region: string },
): { readonly TargetArn: string } | null {
  return manifest?.deadLetter === undefined ? null : { TargetArn: addressOf(manifest.deadLetter, scope) };
}

function addressOf(d: DestinationManifest, { accountId, region }: { readonly accountId: string; readonly region: string }): string {
  if (d.function !== undefined) return `arn:aws:lambda:${region}:${accountId}:function:${d.function}`;
  if (d.queue !== undefined) return `arn:aws:sqs:${region}:${accountId}:${d.queue}`;
  if (d.bucket !== undefined) return `arn:aws:s3:::${d.bucket}${d.prefix === undefined ? '' : `/${d.prefix}`}`;
  return d.http ?? '';
}
