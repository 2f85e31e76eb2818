import { HearthError } from '../../errors.ts';
import { parseSchedule } from '../../lib/calendar/schedule.ts';
import { ExpressionError } from '../../lib/calendar/cron-fields.ts';
import { fits } from '../../lib/event-pattern.ts';
import { DEFAULT_BUS, type BusTarget, type EventRule } from '../../model/event-rule.ts';
import { parseEventPattern } from '../../triggers/bus/event-pattern-check.ts';
import type { JsonCall, JsonOperation } from '../aws-json.ts';
import { putEvents } from './put-events.ts';
import { BUS_OPERATIONS } from './buses.ts';
import { changeRule, page, removeRule, requireBus, ruleArn, ruleNamed, rulesOf, type EventsDeps, type RuleOf } from './rules.ts';
import { listTags, tagResource, tagsIn, untagResource } from './tags.ts';
import { checkTarget } from './target-check.ts';

type Run = (call: JsonCall, deps: EventsDeps) => Promise<Readonly<Record<string, unknown>> | null>;

/** The rule that a request names. Throws ResourceNotFoundException for a bus that is not there. */
function ruleIn({ input }: JsonCall, deps: EventsDeps): RuleOf {
  return { bus: requireBus(input['EventBusName'], deps), name: String(input['Rule'] ?? input['Name']) };
}

const MOST_TARGETS = 100;

const putRule: Run = async (call, deps) => {
  const { input } = call;
  const rule = ruleIn(call, deps);
  const [pattern, schedule] = [text(input['EventPattern']), text(input['ScheduleExpression'])];
  if (pattern === null && schedule === null)
    throw new HearthError('ValidationException', 'Parameter(s) EventPattern or ScheduleExpression must be specified.');
  if (schedule !== null && rule.bus !== DEFAULT_BUS)
    throw new HearthError('ValidationException', 'ScheduleExpression is supported only on the default event bus.');
  if (pattern !== null) parseEventPattern(pattern);
  if (schedule !== null) checkSchedule(schedule);
  if (input['State'] === 'ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS')
    throw new HearthError('ValidationException', 'Hearth has no CloudTrail: State must be ENABLED or DISABLED.');
  await changeRule(rule, deps, (present) => ({
    name: rule.name,
    pattern,
    schedule,
    enabled: input['State'] !== 'DISABLED',
    description: text(input['Description']),
    roleArn: text(input['RoleArn']),
    targets: present?.targets ?? [],
    // Those of one that is there are changed by TagResource alone, as on AWS.
    tags: present === null ? tagsIn(input['Tags']) : (present.tags ?? {}),
  }));
  return { RuleArn: ruleArn(rule, deps) };
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

const describeRule: Run = async (call, deps) => ({
  ...shown(ruleNamed(ruleIn(call, deps), deps), deps),
  CreatedBy: deps.scope.accountId,
});

const listRules: Run = async ({ input }, deps) => {
  const prefix = (input['NamePrefix'] as string | undefined) ?? '';
  const rules = rulesOf(requireBus(input['EventBusName'], deps), deps).filter(({ name }) => name.startsWith(prefix));
  const { items, next } = page(rules, input, (rule) => rule.name);
  return { Rules: items.map((rule) => shown(rule, deps)), ...next };
};

function shown(rule: EventRule, deps: EventsDeps): Record<string, unknown> {
  return {
    Name: rule.name,
    Arn: ruleArn(rule, deps),
    EventPattern: rule.pattern ?? undefined,
    ScheduleExpression: rule.schedule ?? undefined,
    State: rule.enabled ? 'ENABLED' : 'DISABLED',
    Description: rule.description ?? undefined,
    RoleArn: rule.roleArn ?? undefined,
    EventBusName: rule.bus ?? DEFAULT_BUS,
  };
}

function switched(enabled: boolean): Run {
  return async (call, deps) => {
    const rule = ruleIn(call, deps);
    await changeRule(rule, deps, (present) => ({ ...(present ?? ruleNamed(rule, deps)), enabled }));
    return null;
  };
}

const deleteRule: Run = async (call, deps) => {
  await removeRule(ruleIn(call, deps), deps);
  return null;
};

const putTargets: Run = async (call, deps) => {
  const of = ruleIn(call, deps);
  const given = call.input['Targets'] as readonly BusTarget[];
  given.forEach(checkTarget);
  await changeRule(of, deps, (present) => {
    const rule = present ?? ruleNamed(of, deps);
    const targets = new Map([...rule.targets, ...given].map((target) => [target.Id, target]));
    if (targets.size > MOST_TARGETS)
      throw new HearthError('LimitExceededException', 'The requested resource exceeds the maximum number allowed.');
    return { ...rule, targets: [...targets.values()] };
  });
  return { FailedEntryCount: 0, FailedEntries: [] };
};

const removeTargets: Run = async (call, deps) => {
  const of = ruleIn(call, deps);
  const ids = call.input['Ids'] as readonly string[];
  await changeRule(of, deps, (present) => {
    const rule = present ?? ruleNamed(of, deps);
    return { ...rule, targets: rule.targets.filter((target) => !ids.includes(target.Id)) };
  });
  return { FailedEntryCount: 0, FailedEntries: [] };
};

const listTargetsByRule: Run = async (call, deps) => {
  const targets = [...ruleNamed(ruleIn(call, deps), deps).targets].sort((a, b) => (a.Id < b.Id ? -1 : 1));
  const { items, next } = page(targets, call.input, (target) => target.Id);
  return { Targets: items, ...next };
};

const listRuleNamesByTarget: Run = async ({ input }, deps) => {
  const all = rulesOf(requireBus(input['EventBusName'], deps), deps);
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

function text(value: unknown): string | null {
  return typeof value === 'string' && value !== '' ? value : null;
}

const OPERATIONS: Readonly<Record<string, Run>> = {
  ...BUS_OPERATIONS,
  DeleteRule: deleteRule,
  DescribeRule: describeRule,
  DisableRule: switched(false),
  EnableRule: switched(true),
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

/** The operations, each with what it needs. */
export function eventsOperations(deps: EventsDeps): Readonly<Record<string, JsonOperation>> {
  return Object.fromEntries(Object.entries(OPERATIONS).map(([name, run]) => [name, (call: JsonCall) => run(call, deps)]));
}
