import { HearthError } from '../../errors.ts';
import type { Clock } from '../../lib/clock.ts';
import type { Ids } from '../../lib/ids.ts';
import { DEFAULT_BUS, type EventBusSettings, type EventRule, type Published } from '../../model/event-rule.ts';
import type { Input } from '../lambda/model/check.ts';
import type { Resources } from '../resources.ts';

export interface EventsDeps {
  readonly resources: Resources;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly scope: { readonly accountId: string; readonly region: string };
  /** Puts events on their buses; durable when it resolves. */
  readonly publish: (events: readonly Published[]) => Promise<void>;
}

/** A rule by the names of its bus and its own. */
export interface RuleOf {
  readonly bus?: string;
  readonly name: string;
}

export function busArn(bus: string, { scope }: Pick<EventsDeps, 'scope'>): string {
  return `arn:aws:events:${scope.region}:${scope.accountId}:event-bus/${bus}`;
}

export function ruleArn(rule: RuleOf, { scope }: Pick<EventsDeps, 'scope'>): string {
  return `arn:aws:events:${scope.region}:${scope.accountId}:rule/${ruleKey(rule)}`;
}

/** No name of a rule, and of a bus that can be made here, has a slash. */
function ruleKey({ bus = DEFAULT_BUS, name }: RuleOf): string {
  return bus === DEFAULT_BUS ? name : `${bus}/${name}`;
}

/** The name in what may be a bus's name or ARN; the default one for nothing. Whether it is there is another matter. */
export function busNameIn(given: unknown): string {
  const text = (given as string | undefined) ?? DEFAULT_BUS;
  return /^arn:[\w-]+:events:[^:]*:[^:]*:event-bus\/(.+)$/.exec(text)?.[1] ?? text;
}

/** The name of the bus that a request gives, by name or ARN. Throws ResourceNotFoundException for one that is not there. */
export function requireBus(given: unknown, deps: EventsDeps): string {
  const bus = busNameIn(given);
  const ours = given === undefined || given === bus || given === busArn(bus, deps);
  if (ours && (bus === DEFAULT_BUS || deps.resources.get('event-bus', bus) !== null)) return bus;
  throw new HearthError('ResourceNotFoundException', `Event bus ${bus} does not exist.`);
}

/** Throws ResourceNotFoundException. */
export function ruleNamed(of: RuleOf, { resources }: EventsDeps): EventRule {
  const rule = resources.get('event-rule', ruleKey(of));
  if (rule === null)
    throw new HearthError('ResourceNotFoundException', `Rule ${of.name} does not exist on EventBus ${of.bus ?? DEFAULT_BUS}.`);
  return rule;
}

/** The rules of a bus, by name. */
export function rulesOf(bus: string, { resources }: EventsDeps): EventRule[] {
  const keys = bus === DEFAULT_BUS ? '' : `${bus}/`;
  const found = resources.list('event-rule', keys).filter(({ rest }) => !rest.includes('/'));
  return found.map(({ document }) => document);
}

/** Runs a task when those on the same bus that came before have ended. */
export function onBus<T>(bus: string | undefined, deps: EventsDeps, task: () => Promise<T>): Promise<T> {
  return deps.resources.inTurn(`event bus ${bus ?? DEFAULT_BUS}`, task);
}

/** Changes what is set of a bus that is there. Throws ResourceNotFoundException. */
export async function changeBus(name: string, deps: EventsDeps, change: (present: EventBusSettings) => EventBusSettings): Promise<void> {
  await onBus(name, deps, async () => {
    requireBus(name, deps);
    const nowMs = deps.clock.now();
    const unset = { description: null, tags: {}, kept: {}, createdAtMs: nowMs };
    const present = deps.resources.get('event-bus', name) ?? { ...unset, modifiedAtMs: nowMs };
    await deps.resources.put('event-bus', name, { ...change(present), modifiedAtMs: nowMs }, null);
  });
}

/** Changes a rule. Where that begins or ends its times, or makes them others, they count from now on. Throws ResourceNotFoundException when the bus is gone. */
export async function changeRule(
  of: RuleOf,
  deps: EventsDeps,
  change: (present: EventRule | null) => Omit<EventRule, 'changedAtMs' | 'ruleId' | 'bus'>,
): Promise<void> {
  await onBus(of.bus, deps, async () => {
    const bus = requireBus(of.bus, deps);
    const present = deps.resources.get('event-rule', ruleKey(of));
    const next = { ...change(present), ...(bus === DEFAULT_BUS ? {} : { bus }) };
    const same = present !== null && present.schedule === next.schedule && runs(present) === runs(next);
    const stamp = { ruleId: present?.ruleId ?? deps.ids.uuid(), changedAtMs: same ? present.changedAtMs : deps.clock.now() };
    await deps.resources.put('event-rule', ruleKey(of), { ...next, ...stamp }, null);
  });
}

/** Removes a rule, where it is there. Throws ValidationException for one that has targets. */
export function removeRule(of: RuleOf, deps: EventsDeps): Promise<void> {
  return onBus(of.bus, deps, async () => {
    if ((deps.resources.get('event-rule', ruleKey(of))?.targets.length ?? 0) > 0)
      throw new HearthError('ValidationException', "Rule can't be deleted since it has targets.");
    await deps.resources.remove('event-rule', ruleKey(of));
  });
}

function runs({ enabled, targets }: Pick<EventRule, 'enabled' | 'targets'>): boolean {
  return enabled && targets.length > 0;
}

/** A page of what is in the order of its keys. */
export function page<T>(all: readonly T[], input: Input, keyOf: (item: T) => string): { items: T[]; next: { NextToken?: string } } {
  const token = input['NextToken'] as string | undefined;
  const after = token === undefined ? '' : Buffer.from(token, 'base64url').toString();
  const rest = all.filter((item) => keyOf(item) > after);
  const items = rest.slice(0, (input['Limit'] ?? input['MaxResults'] ?? 100) as number);
  const last = items.at(-1);
  const more = last !== undefined && items.length < rest.length;
  return { items, next: more ? { NextToken: Buffer.from(keyOf(last)).toString('base64url') } : {} };
}
