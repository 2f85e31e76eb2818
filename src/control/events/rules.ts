import { HearthError } from '../../errors.ts';
import type { Clock } from '../../lib/clock.ts';
import type { Ids } from '../../lib/ids.ts';
import type { EventRule, Published } from '../../model/event-rule.ts';
import type { Input } from '../lambda/model/check.ts';
import type { Resources } from '../resources.ts';

export interface EventsDeps {
  readonly resources: Resources;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly scope: { readonly accountId: string; readonly region: string };
  /** Puts events on the bus; durable when it resolves. */
  readonly publish: (events: readonly Published[]) => Promise<void>;
}

/** There is one bus. */
export const BUS = 'default';

export function busArn({ scope }: Pick<EventsDeps, 'scope'>): string {
  return `arn:aws:events:${scope.region}:${scope.accountId}:event-bus/${BUS}`;
}

export function ruleArn(name: string, { scope }: Pick<EventsDeps, 'scope'>): string {
  return `arn:aws:events:${scope.region}:${scope.accountId}:rule/${name}`;
}

/** Throws ResourceNotFoundException for another bus than the one there is. */
export function requireBus(name: unknown, deps: EventsDeps): void {
  if (name === undefined || name === BUS || name === busArn(deps)) return;
  throw new HearthError('ResourceNotFoundException', `Event bus ${name as string} does not exist.`);
}

/** Throws ResourceNotFoundException. */
export function ruleNamed(name: string, { resources }: EventsDeps): EventRule {
  const rule = resources.get('event-rule', name);
  if (rule === null) throw new HearthError('ResourceNotFoundException', `Rule ${name} does not exist on EventBus ${BUS}.`);
  return rule;
}

/** Changes a rule. Where that begins or ends its times, or makes them others, they count from now on. */
export async function changeRule(
  name: string,
  deps: EventsDeps,
  change: (present: EventRule | null) => Omit<EventRule, 'changedAtMs' | 'ruleId'>,
): Promise<void> {
  await deps.resources.inTurn(`rule ${name}`, async () => {
    const present = deps.resources.get('event-rule', name);
    const next = change(present);
    const same = present !== null && present.schedule === next.schedule && runs(present) === runs(next);
    const stamp = { ruleId: present?.ruleId ?? deps.ids.uuid(), changedAtMs: same ? present.changedAtMs : deps.clock.now() };
    await deps.resources.put('event-rule', name, { ...next, ...stamp }, null);
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
