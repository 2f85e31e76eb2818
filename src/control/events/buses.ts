import { HearthError } from '../../errors.ts';
import { DEFAULT_BUS, type EventBusSettings } from '../../model/event-rule.ts';
import type { JsonCall } from '../aws-json.ts';
import type { Input } from '../lambda/model/check.ts';
import { busArn, changeBus, onBus, page, requireBus, rulesOf, type EventsDeps } from './rules.ts';
import { checkTags, tagsIn } from './tags.ts';

type Run = (call: JsonCall, deps: EventsDeps) => Promise<Readonly<Record<string, unknown>> | null>;

/** Members that are given back and change nothing: a bus here fails no event, which is when AWS's tells its own dead letters. */
const KEPT = ['DeadLetterConfig'] as const;

const createEventBus: Run = async ({ input }, deps) => {
  const name = String(input['Name']);
  if (name.includes('/')) throw invalid("Parameter Name is not valid. Reason: the name of a custom event bus can't have a slash.");
  if (input['EventSourceName'] !== undefined) throw invalid('Hearth has no event sources of partners: leave EventSourceName out.');
  const settings = { ...changed(input), tags: tagsIn(input['Tags']) };
  checkTags(settings.tags);
  await onBus(name, deps, async () => {
    if (name === DEFAULT_BUS || deps.resources.get('event-bus', name) !== null)
      throw new HearthError('ResourceAlreadyExistsException', `Event bus ${name} already exists.`);
    const nowMs = deps.clock.now();
    await deps.resources.put('event-bus', name, { ...settings, createdAtMs: nowMs, modifiedAtMs: nowMs }, null);
  });
  return { EventBusArn: busArn(name, deps), Description: settings.description ?? undefined, ...settings.kept };
};

const updateEventBus: Run = async ({ input }, deps) => {
  const name = requireBus(input['Name'], deps);
  const settings = changed(input);
  await changeBus(name, deps, (present) => ({ ...present, ...settings }));
  return { Name: name, Arn: busArn(name, deps), Description: settings.description ?? undefined, ...settings.kept };
};

/** As on AWS one that is not there is no fault. */
const deleteEventBus: Run = async ({ input }, deps) => {
  const name = String(input['Name']);
  if (name === DEFAULT_BUS) throw invalid('Cannot delete event bus default.');
  await onBus(name, deps, async () => {
    if (rulesOf(name, deps).length > 0) throw invalid("EventBus can't be deleted since it has rules.");
    await deps.resources.remove('event-bus', name);
  });
  return null;
};

const describeEventBus: Run = async ({ input }, deps) => shown(requireBus(input['Name'], deps), deps);

const listEventBuses: Run = async ({ input }, deps) => {
  const names = new Set([DEFAULT_BUS, ...deps.resources.list('event-bus').map(({ key }) => key)]);
  const wanted = [...names].filter((name) => name.startsWith((input['NamePrefix'] as string | undefined) ?? '')).sort();
  const { items, next } = page(wanted, input, (name) => name);
  return { EventBuses: items.map((name) => shown(name, deps)), ...next };
};

function shown(name: string, deps: EventsDeps): Record<string, unknown> {
  const settings = deps.resources.get('event-bus', name);
  return {
    Name: name,
    Arn: busArn(name, deps),
    Description: settings?.description ?? undefined,
    ...settings?.kept,
    CreationTime: settings?.createdAtMs,
    LastModifiedTime: settings?.modifiedAtMs,
  };
}

/** What a request says of a bus. Throws ValidationException for what can't be served. */
function changed(input: Input): Pick<EventBusSettings, 'description' | 'kept'> {
  if ((input['KmsKeyIdentifier'] ?? '') !== '') throw invalid('Hearth encrypts no events by keys of KMS: leave KmsKeyIdentifier out.');
  if (!['OFF', undefined].includes((input['LogConfig'] as { readonly Level?: string } | undefined)?.Level))
    throw invalid('Hearth writes no logs of event buses: leave LogConfig out.');
  return {
    description: (input['Description'] as string | undefined) ?? null,
    kept: Object.fromEntries(KEPT.filter((name) => input[name] !== undefined).map((name) => [name, input[name]])),
  };
}

function invalid(message: string): HearthError {
  return new HearthError('ValidationException', message);
}

export const BUS_OPERATIONS: Readonly<Record<string, Run>> = {
  CreateEventBus: createEventBus,
  DeleteEventBus: deleteEventBus,
  DescribeEventBus: describeEventBus,
  ListEventBuses: listEventBuses,
  UpdateEventBus: updateEventBus,
};
