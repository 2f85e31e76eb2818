import { z } from 'zod';

/** How asynchronous invocations of a function are retried and where their outcomes go. */
export interface EventInvokeConfig {
  /** 60 to 21600; null: 21600. */
  readonly maximumEventAgeSeconds: number | null;
  /** 0 to 2; null: 2. */
  readonly maximumRetryAttempts: number | null;
  /** ARN or address, see destination.ts; null: nowhere. */
  readonly onSuccess: string | null;
  readonly onFailure: string | null;
}

/** What holds for a function that says nothing: Lambda's two retries within six hours. */
export const EVENT_DEFAULTS = { maximumEventAgeSeconds: 21_600, maximumRetryAttempts: 2 };

const destination = z.object({ Destination: z.string().optional() }).optional();
const document = z.object({
  MaximumEventAgeInSeconds: z.number().optional(),
  MaximumRetryAttempts: z.number().optional(),
  DestinationConfig: z.object({ OnSuccess: destination, OnFailure: destination }).optional(),
});

/** Reads Lambda's FunctionEventInvokeConfig; null when there is none. */
export function eventInvokeConfig(value: unknown): EventInvokeConfig | null {
  if (value === null || value === undefined) return null;
  const { MaximumEventAgeInSeconds, MaximumRetryAttempts, DestinationConfig } = document.parse(value);
  return {
    maximumEventAgeSeconds: MaximumEventAgeInSeconds ?? null,
    maximumRetryAttempts: MaximumRetryAttempts ?? null,
    onSuccess: DestinationConfig?.OnSuccess?.Destination ?? null,
    onFailure: DestinationConfig?.OnFailure?.Destination ?? null,
  };
}
