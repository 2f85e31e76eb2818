import { HearthError } from '../../errors.ts';
import { DEFAULT_BUS } from '../../model/event-rule.ts';
import type { JsonCall } from '../aws-json.ts';
import { changeBus, changeRule, requireBus, ruleArn, ruleNamed, type EventsDeps, type RuleOf } from './rules.ts';

export type Tags = Readonly<Record<string, string>>;

const MOST_TAGS = 50;

/** The tags that a request gives. */
export function tagsIn(given: unknown): Tags {
  const tags = (given ?? []) as readonly { readonly Key: string; readonly Value: string }[];
  return Object.fromEntries(tags.map(({ Key, Value }) => [Key, Value]));
}

export async function listTags({ input }: JsonCall, deps: EventsDeps): Promise<Record<string, unknown>> {
  const of = taggedBy(String(input['ResourceARN']), deps);
  const tags = (of.rule === undefined ? deps.resources.get('event-bus', of.bus)?.tags : ruleNamed(of.rule, deps).tags) ?? {};
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
  const of = taggedBy(arn, deps);
  const changed = (present: Tags): Tags => {
    const tags = change(present);
    checkTags(tags);
    return tags;
  };
  if (of.rule === undefined) return changeBus(of.bus, deps, (present) => ({ ...present, tags: changed(present.tags) }));
  const { rule } = of;
  await changeRule(rule, deps, (there) => {
    const present = there ?? ruleNamed(rule, deps);
    return { ...present, tags: changed(present.tags ?? {}) };
  });
}

/** Throws LimitExceededException for more tags than something may have. */
export function checkTags(tags: Tags): void {
  if (Object.keys(tags).length > MOST_TAGS)
    throw new HearthError('LimitExceededException', 'The requested resource exceeds the maximum number allowed.');
}

/** What an ARN is of: a bus, or a rule. Throws what there is to say of one that is of neither. */
function taggedBy(arn: string, deps: EventsDeps): { readonly bus: string; readonly rule?: RuleOf } {
  if (/:event-bus\/./.test(arn)) return { bus: requireBus(arn, deps) };
  const [, path = ''] = /:rule\/(.+)$/.exec(arn) ?? [];
  const at = path.lastIndexOf('/');
  const bus = at < 0 ? DEFAULT_BUS : path.slice(0, at);
  const rule = { bus, name: path.slice(at + 1) };
  if (arn !== ruleArn(rule, deps))
    throw new HearthError('ResourceNotFoundException', `Rule ${arn.split('/').at(-1) ?? ''} does not exist on EventBus ${bus}.`);
  return { bus: requireBus(bus, deps), rule };
}
