import { HearthError } from '../../errors.ts';
import { functionArn } from '../../model/function-version.ts';
import { parseReference, type FunctionReference } from '../function-name.ts';
import type { EventSourceMapping } from '../resources.ts';
import { checkFifo, eventSourceKind, eventSourceSettings } from './event-source-settings.ts';
import type { Input } from './model/check.ts';
import { absent, invalid, text, type LambdaDeps, type Operation, type OperationCall, type Operations } from './operation.ts';
import { pageOf } from './pages.ts';
import { checkTags } from './tags.ts';

/** Members of a request that the mapping keeps apart. */
const OWN = new Set(['UUID', 'FunctionName', 'EventSourceArn', 'Enabled', 'Tags']);

const create: Operation = (call, deps) => {
  const { input } = call;
  const sourceArn = text(input, 'EventSourceArn');
  if (sourceArn === null) throw invalid('Unrecognized event source.');
  const kind = eventSourceKind(sourceArn, deps.registry.scope);
  const settings = eventSourceSettings(kind, settingsIn(input), {});
  checkFifo(sourceArn, settings);
  const reference = existing(String(input['FunctionName']), deps);
  if (kind === 'queue') requireQueue(sourceArn, deps);
  const tags = { ...(input['Tags'] as Record<string, string> | undefined) };
  checkTags(tags);
  return deps.resources.inTurn('event-source-mappings', async () => {
    refuseSecond({ sourceArn, functionName: reference.name }, deps);
    const createdAtMs = deps.clock.now();
    const mapping: EventSourceMapping = {
      uuid: deps.ids.uuid(),
      functionName: reference.name,
      qualifier: reference.qualifier,
      sourceArn,
      enabled: input['Enabled'] !== false,
      createdAtMs,
      modifiedAtMs: createdAtMs,
      tags,
      settings,
    };
    await deps.resources.put('event-source-mapping', mapping.uuid, mapping, null);
    return answer(mapping, mapping.enabled ? 'Creating' : 'Disabled', deps);
  });
};

const update: Operation = (call, deps) => {
  const { input } = call;
  return deps.resources.inTurn('event-source-mappings', async () => {
    const present = mappingOf(call, deps);
    const named = text(input, 'FunctionName');
    const reference = named === null ? { name: present.functionName, qualifier: present.qualifier } : existing(named, deps);
    if (reference.name !== present.functionName) refuseSecond({ sourceArn: present.sourceArn, functionName: reference.name }, deps);
    const enabled = (input['Enabled'] as boolean | undefined) ?? present.enabled;
    const settings = eventSourceSettings(eventSourceKind(present.sourceArn, deps.registry.scope), settingsIn(input), present.settings);
    checkFifo(present.sourceArn, settings);
    const mapping: EventSourceMapping = {
      ...present,
      functionName: reference.name,
      qualifier: reference.qualifier,
      enabled,
      modifiedAtMs: deps.clock.now(),
      settings,
    };
    await deps.resources.put('event-source-mapping', mapping.uuid, mapping, null);
    const turned = enabled ? 'Enabling' : 'Disabling';
    return answer(mapping, enabled === present.enabled ? 'Updating' : turned, deps);
  });
};

const get: Operation = (call, deps) => {
  const mapping = mappingOf(call, deps);
  return answer(mapping, stateOf(mapping, deps), deps);
};

const remove: Operation = (call, deps) =>
  deps.resources.inTurn('event-source-mappings', async () => {
    const mapping = mappingOf(call, deps);
    await deps.resources.remove('event-source-mapping', mapping.uuid);
    return answer(mapping, 'Deleting', deps);
  });

const list: Operation = ({ input }, deps) => {
  const [sourceArn, named] = [text(input, 'EventSourceArn'), text(input, 'FunctionName')];
  const name = named === null ? null : parseReference(named, null, deps.registry.scope).name;
  const all = deps.resources.list('event-source-mapping').map((m) => m.document);
  const wanted = all.filter((m) => (sourceArn === null || m.sourceArn === sourceArn) && (name === null || m.functionName === name));
  const { items, next } = pageOf(wanted, input, (m) => m.uuid);
  return { EventSourceMappings: items.map((m) => answer(m, stateOf(m, deps), deps)), ...next };
};

export const EVENT_SOURCE_MAPPINGS: Operations = {
  CreateEventSourceMapping: create,
  UpdateEventSourceMapping: update,
  GetEventSourceMapping: get,
  DeleteEventSourceMapping: remove,
  ListEventSourceMappings: list,
};

function mappingOf({ input }: OperationCall, deps: LambdaDeps): EventSourceMapping {
  const mapping = deps.resources.get('event-source-mapping', String(input['UUID']));
  if (mapping === null) throw absent();
  return mapping;
}

function existing(named: string, deps: LambdaDeps): FunctionReference {
  const reference = parseReference(named, null, deps.registry.scope);
  if (deps.registry.get(reference.name, reference.qualifier ?? '$LATEST') === null) throw invalid('Function does not exist');
  return reference;
}

/** Lambda looks into a queue before it makes a mapping of it. Throws InvalidParameterValueException. */
function requireQueue(arn: string, { hasQueue }: LambdaDeps): void {
  if (hasQueue === undefined || hasQueue(arn)) return;
  throw invalid(
    'Error occurred while ReceiveMessage. SQS Error Code: AWS.SimpleQueueService.NonExistentQueue. SQS Error Message: The specified queue does not exist.',
  );
}

function settingsIn(input: Input): Input {
  return Object.fromEntries(Object.entries(input).filter(([name]) => !OWN.has(name)));
}

/** What a mapping is doing; where nobody knows, what it is to do. */
function stateOf({ uuid, enabled, createdAtMs, modifiedAtMs }: EventSourceMapping, deps: LambdaDeps): string {
  const turning = deps.mappings?.(uuid)?.turning === true;
  if (!enabled) return turning ? 'Disabling' : 'Disabled';
  if (!turning) return 'Enabled';
  return createdAtMs === modifiedAtMs ? 'Creating' : 'Enabling';
}

/** A function has one mapping of a source. Throws ResourceConflictException. */
function refuseSecond({ sourceArn, functionName }: Pick<EventSourceMapping, 'sourceArn' | 'functionName'>, deps: LambdaDeps): void {
  const all = deps.resources.list('event-source-mapping').map((m) => m.document);
  const of = all.find((m) => m.sourceArn === sourceArn && m.functionName === functionName);
  if (of === undefined) return;
  const named = eventSourceKind(sourceArn, deps.registry.scope) === 'queue' ? 'SQS' : 'table';
  throw new HearthError(
    'ResourceConflictException',
    `An event source mapping with ${named} arn (" ${of.sourceArn} ") and function (" ${of.functionName} ") already exists. Please update or delete the existing mapping with UUID ${of.uuid}`,
  );
}

function answer(m: EventSourceMapping, state: string, deps: LambdaDeps): Record<string, unknown> {
  const { scope } = deps.registry;
  const arn = functionArn({ ...scope, name: m.functionName });
  return {
    ...m.settings,
    UUID: m.uuid,
    EventSourceArn: m.sourceArn,
    EventSourceMappingArn: `arn:aws:lambda:${scope.region}:${scope.accountId}:event-source-mapping:${m.uuid}`,
    FunctionArn: m.qualifier === null ? arn : `${arn}:${m.qualifier}`,
    LastModified: m.modifiedAtMs,
    State: state,
    StateTransitionReason: 'USER_INITIATED',
    ...lastResult(deps.mappings?.(m.uuid)?.lastResult),
  };
}

function lastResult(text: string | null | undefined): Record<string, string> {
  return text === undefined || text === null ? {} : { LastProcessingResult: text };
}
