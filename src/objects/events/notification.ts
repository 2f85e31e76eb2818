/** The shape of the event that a function gets. */
export type EventShape = 's3' | 'eventbridge' | 'cloudevents';

/** One function or queue that is told of what happens to the objects of a bucket. */
export interface NotificationTarget {
  readonly id: string;
  readonly kind: 'function' | 'queue';
  readonly arn: string;
  /** `s3:ObjectCreated:*` and the like. */
  readonly events: readonly string[];
  readonly prefix: string;
  readonly suffix: string;
  readonly shape: EventShape;
}

export interface BucketNotification {
  readonly targets: readonly NotificationTarget[];
  /** Whether everything goes to the event bus. */
  readonly eventBridge: boolean;
}

/** Event types that can be asked for; what never happens here (restore, replication, lifecycle) is accepted, as on S3. */
export const EVENT_TYPES: ReadonlySet<string> = new Set([
  's3:ObjectCreated:*',
  's3:ObjectCreated:Put',
  's3:ObjectCreated:Post',
  's3:ObjectCreated:Copy',
  's3:ObjectCreated:CompleteMultipartUpload',
  's3:ObjectRemoved:*',
  's3:ObjectRemoved:Delete',
  's3:ObjectRemoved:DeleteMarkerCreated',
  's3:ObjectTagging:*',
  's3:ObjectTagging:Put',
  's3:ObjectTagging:Delete',
  's3:ObjectRestore:*',
  's3:ObjectRestore:Post',
  's3:ObjectRestore:Completed',
  's3:ObjectRestore:Delete',
  's3:ReducedRedundancyLostObject',
  's3:Replication:*',
  's3:LifecycleExpiration:*',
  's3:LifecycleTransition',
  's3:IntelligentTiering',
  's3:ObjectAcl:Put',
  's3:TestEvent',
]);

/** Whether a target wants an event of this name (`ObjectCreated:Put`) of this key. */
export function wants(target: NotificationTarget, eventName: string, key: string): boolean {
  const named = target.events.some((e) => e === `s3:${eventName}` || (e.endsWith(':*') && `s3:${eventName}`.startsWith(e.slice(0, -1))));
  return (
    named &&
    key.startsWith(target.prefix) &&
    key.endsWith(target.suffix) &&
    key.length >= Math.max(target.prefix.length, target.suffix.length)
  );
}
