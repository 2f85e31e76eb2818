import type { FunctionRegistry } from '../control/registry.ts';
import { HearthError } from '../errors.ts';
import { functionArn } from '../model/function-version.ts';
import type { TriggerConfiguration } from '../model/triggers.ts';
import { NEW_BUCKET } from '../objects/model.ts';
import { checkBucketName } from '../objects/s3/names.ts';
import type { WatchedBuckets } from '../triggers/objects/objects-source.ts';
import type { Objects } from './objects.ts';

/** Buckets as the triggers of uploads see them. */
export function watchedBuckets({ store, listeners }: Pick<Objects, 'store' | 'listeners'>, registry: FunctionRegistry): WatchedBuckets {
  return {
    checkName(bucket) {
      try {
        checkBucketName(bucket);
      } catch (error) {
        if (!(error instanceof HearthError)) throw error;
        throw new HearthError(
          'InvalidParameterValueException',
          `'${bucket}' can't be a bucket: 3 to 63 lower-case letters, digits, dots and hyphens, and none of Hearth's own paths`,
        );
      }
    },
    async ensure(bucket) {
      if (!store.has(bucket)) await store.createBucket(bucket, NEW_BUCKET);
    },
    tell(record, told) {
      const { bucket, prefix = '', suffix = '', shape = 's3', external = false } = record.configuration;
      const arn = functionArn({ ...registry.scope, name: record.functionName });
      const target = { id: record.id, kind: 'function' as const, arn, events: eventsOf(record.configuration), prefix, suffix, shape };
      return listeners.add({ bucket, target, external, told });
    },
  };
}

function eventsOf({ events = ['created'] }: TriggerConfiguration<'objects'>): string[] {
  return events.map((e) => (e === 'created' ? 's3:ObjectCreated:*' : 's3:ObjectRemoved:*'));
}
