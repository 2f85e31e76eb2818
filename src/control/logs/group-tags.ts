import { HearthError } from '../../errors.ts';
import type { JsonCall } from '../aws-json.ts';
import { changeGroup, groupCalled, nameIn, type LogsDeps, type LogsOperation } from './log-groups.ts';

export type Tags = Readonly<Record<string, string>>;

const MOST_TAGS = 50;

/** Throws TooManyTagsException for more tags than a group may have. */
export function checkTags(tags: Tags): void {
  if (Object.keys(tags).length > MOST_TAGS)
    throw new HearthError('TooManyTagsException', `A log group can have at most ${MOST_TAGS} tags.`);
}

/** The name that the operations of today (by ARN) and those before them (by name) give. */
function named({ input }: JsonCall): string {
  return nameIn(String(input['resourceArn'] ?? input['logGroupName']));
}

const list: LogsOperation = async (call, deps) => ({ tags: groupCalled(named(call), deps).settings?.tags ?? {} });

const tag: LogsOperation = (call, deps) => change(call, deps, (present) => ({ ...present, ...(call.input['tags'] as Tags) }));

const untag: LogsOperation = (call, deps) => {
  const gone = new Set((call.input['tagKeys'] ?? call.input['tags']) as readonly string[]);
  return change(call, deps, (present) => Object.fromEntries(Object.entries(present).filter(([key]) => !gone.has(key))));
};

async function change(call: JsonCall, deps: LogsDeps, of: (present: Tags) => Tags): Promise<null> {
  await changeGroup(named(call), deps, (present) => {
    const tags = of(present.tags);
    checkTags(tags);
    return { ...present, tags };
  });
  return null;
}

export const TAG_OPERATIONS: Readonly<Record<string, LogsOperation>> = {
  ListTagsForResource: list,
  ListTagsLogGroup: list,
  TagLogGroup: tag,
  TagResource: tag,
  UntagLogGroup: untag,
  UntagResource: untag,
};
