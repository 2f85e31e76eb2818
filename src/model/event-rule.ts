/** Where the events of a rule or a schedule go, by the members of AWS's APIs: `Id`, `Arn`, `Input` and the like. */
export interface BusTarget {
  readonly Id: string;
  readonly Arn: string;
  readonly Input?: string;
  readonly InputPath?: string;
  readonly InputTransformer?: { readonly InputPathsMap?: Readonly<Record<string, string>>; readonly InputTemplate: string };
  readonly SqsParameters?: { readonly MessageGroupId?: string };
  /** Of what does not reach the target: 0 to 185 attempts after the first, 60 to 86,400 s. */
  readonly RetryPolicy?: { readonly MaximumRetryAttempts?: number; readonly MaximumEventAgeInSeconds?: number };
  /** The queue that gets what is given up undelivered. */
  readonly DeadLetterConfig?: { readonly Arn?: string };
  /** Kept and given back. */
  readonly [other: string]: unknown;
}

/** The event bus that is always there. */
export const DEFAULT_BUS = 'default';

/** An event bus that was made, or the default one where something was set of it. */
export interface EventBusSettings {
  readonly description: string | null;
  readonly tags: Readonly<Record<string, string>>;
  /** What of its settings changes nothing here, by the members of its API: given back as it came. */
  readonly kept: Readonly<Record<string, unknown>>;
  readonly createdAtMs: number;
  readonly modifiedAtMs: number;
}

/** A rule of an event bus: for events that fit a pattern, on the default one for times of a schedule, or both. */
export interface EventRule {
  /** Immutable; a UUID. What is remembered of its times, and the ids of its events, refer to it. */
  readonly ruleId: string;
  /** Absent: the default one. */
  readonly bus?: string;
  readonly name: string;
  readonly description: string | null;
  readonly enabled: boolean;
  /** JSON text, as it was given. */
  readonly pattern: string | null;
  /** `rate(5 minutes)` or `cron(0 6 * * ? *)`, in UTC. */
  readonly schedule: string | null;
  readonly roleArn: string | null;
  readonly targets: readonly BusTarget[];
  /** Left out of rules that were made before there were any. */
  readonly tags?: Readonly<Record<string, string>>;
  /** From when on its times count: milliseconds since the epoch. */
  readonly changedAtMs: number;
}

/** The group of schedules that is always there. */
export const DEFAULT_GROUP = 'default';

/** A group of schedules that was made, or the default one where it was given tags. */
export interface ScheduleGroup {
  readonly clientToken: string | null;
  readonly tags: Readonly<Record<string, string>>;
  readonly createdAtMs: number;
  readonly modifiedAtMs: number;
}

/** A schedule of EventBridge Scheduler. */
export interface BusSchedule {
  /** Immutable; a UUID. */
  readonly scheduleId: string;
  /** Absent: the default one. */
  readonly group?: string;
  readonly name: string;
  /** The members of its API as they were given, times in milliseconds since the epoch. */
  readonly settings: Readonly<Record<string, unknown>>;
  readonly clientToken: string | null;
  readonly createdAtMs: number;
  readonly modifiedAtMs: number;
}

/** An event as EventBridge has it. */
export interface BusEvent {
  readonly version: '0';
  readonly id: string;
  readonly 'detail-type': string;
  readonly source: string;
  readonly account: string;
  /** ISO 8601 in UTC, to the second. */
  readonly time: string;
  readonly region: string;
  readonly resources: readonly string[];
  readonly detail: unknown;
}

/** An event on its way, with the chain of events that it belongs to. */
export interface Published {
  /** Absent: the default one. */
  readonly bus?: string;
  readonly event: BusEvent;
  readonly lineage: string;
  readonly traceId: string;
}
