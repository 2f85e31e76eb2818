import { HearthError } from '../../errors.ts';
import { changeGroup, groupCalled, nameIn, UNSET, type LogsOperation } from './log-groups.ts';
import { checkTags, type Tags } from './group-tags.ts';

/** What CloudWatch takes. */
const RETENTION_DAYS = [
  1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653,
] as const satisfies readonly number[];

/**
 * A function's group is there with the function, unlike on AWS where the first invocation makes it. So that what makes the group beside or after the function works,
 * it can be made once all the same.
 */
const createLogGroup: LogsOperation = async ({ input }, deps) => {
  const name = String(input['logGroupName']);
  if (input['kmsKeyId'] !== undefined) throw invalid('Hearth encrypts no logs by keys of KMS: leave kmsKeyId out.');
  if (input['logGroupClass'] === 'DELIVERY')
    throw invalid('Hearth delivers no logs to other services: logGroupClass must be STANDARD or INFREQUENT_ACCESS.');
  const tags = (input['tags'] ?? {}) as Tags;
  checkTags(tags);
  await deps.resources.inTurn(`log group ${name}`, async () => {
    if (deps.resources.get('log-group', name) !== null)
      throw new HearthError('ResourceAlreadyExistsException', 'The specified log group already exists');
    const settings = {
      ...UNSET,
      createdAtMs: deps.clock.now(),
      tags,
      class: (input['logGroupClass'] as string | undefined) ?? UNSET.class,
      deletionProtected: input['deletionProtectionEnabled'] === true,
    };
    await deps.resources.put('log-group', name, settings, null);
  });
  return null;
};

/** With it goes what its functions have written. The group of a function that is there goes on, empty and without what was set of it. */
const deleteLogGroup: LogsOperation = async ({ input }, deps) => {
  const name = String(input['logGroupName']);
  await deps.resources.inTurn(`log group ${name}`, async () => {
    const { functions, settings } = groupCalled(name, deps);
    if (settings?.deletionProtected === true)
      throw new HearthError('ValidationException', 'The specified log group has deletion protection enabled: disable it first.');
    await deps.resources.remove('log-group', name);
    for (const { name: writer } of functions) await deps.logs.remove(writer);
  });
  return null;
};

const putRetentionPolicy: LogsOperation = async ({ input }, deps) => {
  const days = input['retentionInDays'] as number;
  if (!RETENTION_DAYS.some((one) => one === days))
    throw invalid(
      `1 validation error detected: Value '${days}' at 'retentionInDays' failed to satisfy constraint: Member must satisfy enum value set: [${RETENTION_DAYS.join(', ')}]`,
    );
  await changeGroup(String(input['logGroupName']), deps, (present) => ({ ...present, retentionDays: days }));
  return null;
};

const deleteRetentionPolicy: LogsOperation = async ({ input }, deps) => {
  await changeGroup(String(input['logGroupName']), deps, (present) => ({ ...present, retentionDays: null }));
  return null;
};

const putDeletionProtection: LogsOperation = async ({ input }, deps) => {
  const deletionProtected = input['deletionProtectionEnabled'] === true;
  await changeGroup(nameIn(String(input['logGroupIdentifier'])), deps, (present) => ({ ...present, deletionProtected }));
  return null;
};

function invalid(message: string): HearthError {
  return new HearthError('InvalidParameterException', message);
}

/** What makes groups, removes them and sets how long they keep. */
export const GROUP_OPERATIONS: Readonly<Record<string, LogsOperation>> = {
  CreateLogGroup: createLogGroup,
  DeleteLogGroup: deleteLogGroup,
  DeleteRetentionPolicy: deleteRetentionPolicy,
  PutLogGroupDeletionProtection: putDeletionProtection,
  PutRetentionPolicy: putRetentionPolicy,
};
