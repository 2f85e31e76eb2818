import { HearthError } from '../../errors.ts';
import type { JsonCall } from '../aws-json.ts';
import { busArn, changeRule, requireBus, ruleArn, ruleNamed, type EventsDeps } from './rules.ts';

export type Tags = Readonly<Record<string, string>>;

const MOST_TAGS = 50;

/** The tags that a request gives. */
export function tagsIn(given: unknown): Tags {
  const tags = (given ?? []) as readonly { readonly Key: string; readonly Value: string }[];
  return Object.fromEntries(tags.map(({ Key, Value }) => [Key, Value]));
}

export async function listTags({ input }: JsonCall, deps: EventsDeps): Promise<Record<string, unknown>> {
  const arn = String(input['ResourceARN']);
  if (arn === busArn(deps)) return { Tags: [] };
  const { tags = {} } = ruleNamed(ruleOf(arn, deps), deps);
  return { Tags: Object.entries(tags).map(([Key, Value]) => ({ Key, Value })) };
}

export async function tagResource({ input }: JsonCall, deps: EventsDeps): Promise<Record<string, unknown>> {
  await changeTags(String(input['ResourceARN']), deps, (present) => ({ ...present, ...tagsIn(input['Tags']) }));
  return {};
}

export async function untagResource({ input }: JsonCall, deps: EventsDeps): Promise<Record<string, unknown>> {
  const gone = new Set(input['TagKeys'] as readonly string[]);
  await changeTags(String(input['ResourceARN']), deps, (present) =>
    Object.fromEntries(Object.entries(present).filter(([key]) => !gone.has(key))),
  );
  return {};
}

async function changeTags(arn: string, deps: EventsDeps, change: (present: Tags) => Tags): Promise<void> {
  if (arn === busArn(deps)) throw new HearthError('ValidationException', 'Hearth keeps tags of rules, and none of the event bus.');
  const name = ruleOf(arn, deps);
  await changeRule(name, deps, (present) => {
    const rule = present ?? ruleNamed(name, deps);
    const tags = change(rule.tags ?? {});
    if (Object.keys(tags).length > MOST_TAGS)
      throw new HearthError('LimitExceededException', 'The requested resource exceeds the maximum number allowed.');
    return { ...rule, tags };
  });
}

/** The name of the rule that an ARN is of. Throws what there is to say of one that is of none. */
function ruleOf(arn: string, deps: EventsDeps): string {
  const bus = /:event-bus\/(.+)$/.exec(arn)?.[1];
  if (bus !== undefined) requireBus(bus, deps);
  const name = arn.split('/').at(-1) ?? '';
  if (arn === ruleArn(name, deps)) return name;
  throw new HearthError('ResourceNotFoundException', `Rule ${name} does not exist on EventBus default.`);
}
