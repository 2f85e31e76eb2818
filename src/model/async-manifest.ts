import { z } from 'zod';
import { destinationAddress, failureDestination, successDestination, type DestinationManifest } from './destination-manifest.ts';

const text = z.string().min(1);

/** What hearth.yaml says of asynchronous invocations. */
export const asyncManifest = z.strictObject({
  maxAgeSeconds: z
    .int()
    .min(60)
    .max(21_600)
    .optional()
    .describe('Oldest an event may become before it is given up; default: 21600, six hours'),
  retries: z.int().min(0).max(2).optional().describe('How often an event that the function failed is tried again; default: 2'),
  onSuccess: successDestination.optional().describe('Who is told of what went well'),
  onFailure: failureDestination.optional().describe('Who is told of what was given up'),
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

/** The same as Lambda's FunctionEventInvokeConfig. */
export function eventInvokeDocument(
  manifest: AsyncManifest,
  scope: { readonly accountId: string; readonly region: string },
): Record<string, unknown> {
  const { maxAgeSeconds, retries, onSuccess, onFailure } = manifest;
  const named = (d: Partial<DestinationManifest> | undefined): object =>
    d === undefined ? {} : { Destination: destinationAddress(d, scope) };
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
  return manifest?.deadLetter === undefined ? null : { TargetArn: destinationAddress(manifest.deadLetter, scope) };
}
