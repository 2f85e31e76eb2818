/** How asynchronous invocations of a function are retried and where their outcomes go: Lambda's FunctionEventInvokeConfig. */
export interface EventInvokeConfig {
  readonly functionId: string;
  /** `$LATEST`, a version's number or an alias. */
  readonly qualifier: string;
  /** 60 to 21600; null: 21600. */
  readonly maximumEventAgeSeconds: number | null;
  /** 0 to 2; null: 2. */
  readonly maximumRetryAttempts: number | null;
  /** ARN or address, see destination.ts; null: nowhere. */
  readonly onSuccess: string | null;
  readonly onFailure: string | null;
  readonly modifiedAtMs: number;
}

/** What holds for a function that says nothing: Lambda's two retries within six hours. */
export const EVENT_DEFAULTS = { maximumEventAgeSeconds: 21_600, maximumRetryAttempts: 2 };
