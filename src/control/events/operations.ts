import { HearthError } from '../../errors.ts';
import { parseSchedule } from '../../lib/calendar/schedule.ts';
import { ExpressionError } from '../../lib/calendar/cron-fields.ts';
import { fits } from '../../lib/event-pattern.ts';
import type { BusTarget, EventRule } from '../../model/event-rule.ts';
import { parseEventPattern } from '../../triggers/bus/event-pattern-check.ts';
import type { JsonCall, JsonOperation } from '../aws-json.ts';
import { putEvents } from './put-events.ts';
import { BUS, busArn, changeRule, page, requireBus, ruleArn, ruleNamed, type EventsDeps } from './rules.ts';
import { listTags, tagResource, tagsIn, untagResource } from './tags.ts';
import { checkTarget } from './target-check.ts';

type Run = (call: JsonCall, deps: EventsDeps) => Promise<Readonly<Record<string, unknown>> | null>;

const MOST_TARGETS = 100;

const putRule: Run = async ({ input }, deps) => {
  const name = String(input['Name']);
  const [pattern, schedule] = [text(input['EventPattern']), text(input['ScheduleExpression'])];
  if (pattern === null && schedule === null)
    throw new HearthError('ValidationException', 'Parameter(s) EventPattern or ScheduleExpression must be specified.');
  if (pattern !== null) parseEventPattern(pattern);
  if (schedule !== null) checkSchedule(schedule);
  if (input['State'] === 'ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS')
    throw new HearthError('ValidationException', 'Hearth has no CloudTrail: State must be ENABLED or DISABLED.');
  await changeRule(name, deps, (present) => ({
    name,
    pattern,
    schedule,
    enabled: input['State'] !== 'DISABLED',
    description: text(input['Description']),
    roleArn: text(input['RoleArn']),
    targets: present?.targets ?? [],
    // Those of one that is there are changed by TagResource alone, as on AWS.
    tags: present === null ? tagsIn(input['Tags']) : (present.tags ?? {}),
  }));
  return { RuleArn: ruleArn(name, deps) };
};

function checkSchedule(expression: string): void {
  try {
    if (!/^(cron|rate)\(/.test(expression)) throw new ExpressionError('write cron(0 6 * * ? *) or rate(5 minutes)');
    parseSchedule(expression.startsWith('rate') ? { rate: expression } : { cron: expression }, 0);
  } catch (error) {
    if (!(error instanceof ExpressionError)) throw error;
    throw new HearthError('ValidationException', `Parameter ScheduleExpression is not valid. Reason: ${error.message}`, { cause: error });
  }
}

const describeRule: Run = async ({ input }, deps) => ({
  ...shown(ruleNamed(String(input['Name']), deps), deps),
  CreatedBy: deps.scope.accountId,
});

const listRules: Run = async ({ input }, deps) => {
  const rules = deps.resources.list('event-rule', (input['NamePrefix'] as string | undefined) ?? '').map((r) => r.document);
  const { items, next } = page(rules, input, (rule) => rule.name);
  return { Rules: items.map((rule) => shown(rule, deps)), ...next };
};

function shown(rule: EventRule, deps: EventsDeps): Record<string, unknown> {
  return {
    Name: rule.name,
    Arn: ruleArn(rule.name, deps),
    EventPattern: rule.pattern ?? undefined,
    ScheduleExpression: rule.schedule ?? undefined,
    State: rule.enabled ? 'ENABLED' : 'DISABLED',
    Description: rule.description ?? undefined,
    RoleArn: rule.roleArn ?? undefined,
    EventBusName: BUS,
  };
}

function switched(enabled: boolean): Run {
  return async ({ input }, deps) => {
    const name = String(input['Name']);
    await changeRule(name, deps, (present) => ({ ...(present ?? ruleNamed(name, deps)), enabled }));
    return null;
  };
}

const deleteRule: Run = async ({ input }, deps) => {
  const name = String(input['Name']);
  await deps.resources.inTurn(`rule ${name}`, async () => {
    if ((deps.resources.get('event-rule', name)?.targets.length ?? 0) > 0)
      throw new HearthError('ValidationException', "Rule can't be deleted since it has targets.");
    await deps.resources.remove('event-rule', name);
  });
  return null;
};

const putTargets: Run = async ({ input }, deps) => {
  const name = String(input['Rule']);
  const given = input['Targets'] as readonly BusTarget[];
  given.forEach(checkTarget);
  await changeRule(name, deps, (present) => {
    const rule = present ?? ruleNamed(name, deps);
    const targets = new Map([...rule.targets, ...given].map((target) => [target.Id, target]));
    if (targets.size > MOST_TARGETS)
      throw new HearthError('LimitExceededException', 'The requested resource exceeds the maximum number allowed.');
    return { ...rule, targets: [...targets.values()] };
  });
  return { FailedEntryCount: 0, FailedEntries: [] };
};

const removeTargets: Run = async ({ input }, deps) => {
  const name = String(input['Rule']);
  const ids = input['Ids'] as readonly string[];
  await changeRule(name, deps, (present) => {
    const rule = present ?? ruleNamed(name, deps);
    return { ...rule, targets: rule.targets.filter((target) => !ids.includes(target.Id)) };
  });
  return { FailedEntryCount: 0, FailedEntries: [] };
};

const listTargetsByRule: Run = async ({ input }, deps) => {
  const targets = [...ruleNamed(String(input['Rule']), deps).targets].sort((a, b) => (a.Id < b.Id ? -1 : 1));
  const { items, next } = page(targets, input, (target) => target.Id);
  return { Targets: items, ...next };
};

const listRuleNamesByTarget: Run = async ({ input }, deps) => {
  const all = deps.resources.list('event-rule').map((r) => r.document);
  const rules = all.filter((rule) => rule.targets.some((target) => target.Arn === input['TargetArn']));
  const { items, next } = page(rules, input, (rule) => rule.name);
  return { RuleNames: items.map((rule) => rule.name), ...next };
};

const testEventPattern: Run = async ({ input }) => {
  const pattern = parseEventPattern(String(input['EventPattern']));
  try {
    return { Result: fits(pattern, JSON.parse(String(input['Event']))) };
  } catch (error) {
    throw new HearthError('ValidationException', `Parameter Event is not valid. Reason: ${(error as Error).message}`, { cause: error });
  }
};

const describeEventBus: Run = async ({ input }, deps) => {
  requireBus(input['Name'], deps);
  return { Name: BUS, Arn: busArn(deps) };
};

const listEventBuses: Run = async ({ input }, deps) => {
  const found = BUS.startsWith((input['NamePrefix'] as string | undefined) ?? '');
  return { EventBuses: found ? [{ Name: BUS, Arn: busArn(deps) }] : [] };
};

function text(value: unknown): string | null {
  return typeof value === 'string' && value !== '' ? value : null;
}

const OPERATIONS: Readonly<Record<string, Run>> = {
  DeleteRule: deleteRule,
  DescribeEventBus: describeEventBus,
  DescribeRule: describeRule,
  DisableRule: switched(false),
  EnableRule: switched(true),
  ListEventBuses: listEventBuses,
  ListRuleNamesByTarget: listRuleNamesByTarget,
  ListRules: listRules,
  ListTagsForResource: listTags,
  ListTargetsByRule: listTargetsByRule,
  PutEvents: putEvents,
  PutRule: putRule,
  PutTargets: putTargets,
  RemoveTargets: removeTargets,
  TagResource: tagResource,
  TestEventPattern: testEventPattern,
  UntagResource: untagResource,
};

/** The operations, each with what it needs. Those that name a bus are refused where it is not the one there is. */
export function eventsOperations(deps: EventsDeps): Readonly<Record<string, JsonOperation>> {
  const run = (operation: Run) => async (call: JsonCall) => {
    requireBus(call.input['EventBusName'], deps);
    return operation(call, deps);
  };
  return Object.fromEntries(Object.entries(OPERATIONS).map(([name, operation]) => [name, run(operation)]));
}
