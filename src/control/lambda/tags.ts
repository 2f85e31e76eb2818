import { parseReference } from '../function-name.ts';
import { absent, invalid, type LambdaDeps, type Operation, type OperationCall } from './operation.ts';

type Tags = Readonly<Record<string, string>>;

/** Something that has tags. */
interface Tagged {
  readonly tags: Tags;
  change(of: (present: Tags) => Tags): Promise<unknown>;
}

const MOST_TAGS = 50;

export const listTags: Operation = (call, deps) => ({ Tags: tagged(call, deps).tags });

export const tagResource: Operation = async (call, deps) => {
  const added = call.input['Tags'] as Tags;
  const resource = tagged(call, deps);
  if (Object.keys({ ...resource.tags, ...added }).length > MOST_TAGS) throw invalid(`Number of tags exceeds resource tag limit.`);
  await resource.change((present) => ({ ...present, ...added }));
  return null;
};

export const untagResource: Operation = async (call, deps) => {
  const gone = new Set(call.input['TagKeys'] as string[]);
  await tagged(call, deps).change((present) => Object.fromEntries(Object.entries(present).filter(([key]) => !gone.has(key))));
  return null;
};

function tagged(call: OperationCall, deps: LambdaDeps): Tagged {
  const arn = String(call.input['Resource']);
  const mapping = /:event-source-mapping:(.+)$/.exec(arn)?.[1];
  if (mapping !== undefined) return taggedMapping(mapping, deps);
  const config = /:code-signing-config:/.test(arn) ? deps.resources.get('code-signing', arn) : undefined;
  if (config !== undefined) {
    if (config === null) throw absent();
    const change = (of: (present: Tags) => Tags): Promise<unknown> =>
      deps.resources.put('code-signing', arn, { ...config, Tags: of((config['Tags'] ?? {}) as Tags) }, null);
    return { tags: (config['Tags'] ?? {}) as Tags, change };
  }
  const { name, qualifier } = parseReference(arn, null, deps.registry.scope);
  if (qualifier !== null) throw invalid('Tags on function aliases and versions are not supported. Please specify a function ARN.');
  const { tags } = deps.registry.require({ name, qualifier: null });
  return { tags, change: (of) => deps.registry.update(name, (f) => ({ tags: of(f.tags) })) };
}

function taggedMapping(uuid: string, deps: LambdaDeps): Tagged {
  const mapping = deps.resources.get('event-source-mapping', uuid);
  if (mapping === null) throw absent();
  const change = (of: (present: Tags) => Tags): Promise<unknown> =>
    deps.resources.put('event-source-mapping', uuid, { ...mapping, tags: of(mapping.tags) }, null);
  return { tags: mapping.tags, change };
}
