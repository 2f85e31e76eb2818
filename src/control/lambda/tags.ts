import { parseReference } from '../function-name.ts';
import type { EventSourceMapping } from '../resources.ts';
import type { Input } from './model/check.ts';
import { absent, invalid, type LambdaDeps, type Operation, type OperationCall } from './operation.ts';

type Tags = Readonly<Record<string, string>>;

/** Something that has tags. */
interface Tagged {
  readonly tags: Tags;
  change(of: (present: Tags) => Tags): Promise<unknown>;
}

const MOST_TAGS = 50;

/** Throws InvalidParameterValueException for more tags than a resource may have. */
export function checkTags(tags: Tags): void {
  if (Object.keys(tags).length > MOST_TAGS) throw invalid(`Number of tags exceeds resource tag limit.`);
}

export const listTags: Operation = (call, deps) => ({ Tags: tagged(call, deps).tags });

export const tagResource: Operation = async (call, deps) => {
  const added = call.input['Tags'] as Tags;
  if (Object.keys(added).length === 0) throw invalid('An error occurred and the request cannot be processed.');
  await tagged(call, deps).change((present) => {
    const all = { ...present, ...added };
    checkTags(all);
    return all;
  });
  return null;
};

export const untagResource: Operation = async (call, deps) => {
  const gone = new Set(call.input['TagKeys'] as string[]);
  await tagged(call, deps).change((present) => Object.fromEntries(Object.entries(present).filter(([key]) => !gone.has(key))));
  return null;
};

/** What an ARN names. Throws ResourceNotFoundException, also in `change`: by its turn it may be gone. */
function tagged(call: OperationCall, deps: LambdaDeps): Tagged {
  const arn = String(call.input['Resource']);
  const mapping = /:event-source-mapping:(.+)$/.exec(arn)?.[1];
  if (mapping !== undefined) return taggedMapping(mapping, deps);
  if (/:code-signing-config:/.test(arn)) return taggedSigning(arn, deps);
  const { name, qualifier } = parseReference(arn, null, deps.registry.scope);
  if (qualifier !== null) throw invalid('Tags on function aliases and versions are not supported. Please specify a function ARN.');
  const { tags } = deps.registry.require({ name, qualifier: null });
  return { tags, change: (of) => deps.registry.update(name, (f) => ({ tags: of(f.tags) })) };
}

function taggedMapping(uuid: string, { resources }: LambdaDeps): Tagged {
  const present = (): EventSourceMapping => resources.get('event-source-mapping', uuid) ?? gone();
  const change = (of: (tags: Tags) => Tags): Promise<unknown> =>
    resources.inTurn('event-source-mappings', async () =>
      resources.put('event-source-mapping', uuid, { ...present(), tags: of(present().tags) }, null),
    );
  return { tags: present().tags, change };
}

function taggedSigning(arn: string, { resources }: LambdaDeps): Tagged {
  const present = (): Input => resources.get('code-signing', arn) ?? gone();
  const tags = (): Tags => (present()['Tags'] ?? {}) as Tags;
  const change = (of: (tags: Tags) => Tags): Promise<unknown> =>
    resources.inTurn('code-signing', async () => resources.put('code-signing', arn, { ...present(), Tags: of(tags()) }, null));
  return { tags: tags(), change };
}

function gone(): never {
  throw absent();
}
