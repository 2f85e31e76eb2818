import { HearthError } from '../../errors.ts';
import type { Clock } from '../../lib/clock.ts';
import { stableUuid } from '../../lib/stable-uuid.ts';
import type { NewDelivery } from '../../model/delivery.ts';
import {
  deadLetterArn,
  deadLetterAttributes,
  deadLetterContext,
  deadLetterTarget,
  undeliveredAttributes,
} from '../../model/dead-letter.ts';
import type { FailureReason } from '../../model/delivery-outcome.ts';
import { parseDestination, type DestinationName } from '../../model/destination.ts';
import type { Published } from '../../model/event-rule.ts';
import { functionArn, type FunctionVersion } from '../../model/function-version.ts';
import { lineageText, nextHop } from '../../model/lineage.ts';
import { discardRecord, type DiscardFacts } from '../batches/policies/discard-record.ts';
import type { Attempted } from './attempt.ts';
import type { FunctionLookup } from './function-target.ts';
import type { Claimed, NextStep } from './ledger.ts';
import { outcomeBusEvent } from './policies/outcome-bus-event.ts';
import { outcomeEvent } from './policies/outcome-event.ts';
import { traceOf } from '../../model/trace.ts';
import { outcomeRecord } from './policies/outcome-record.ts';

export interface OutcomeDeps {
  readonly functions: FunctionLookup;
  /** Functions by name; null when there is none of it. */
  readonly named: (name: string) => FunctionVersion | null;
  readonly clock: Clock;
  readonly scope: { readonly accountId: string; readonly region: string };
  /** What an event on the bus comes to by the rules that there are. */
  readonly onBus: (published: Published) => NewDelivery[];
}

/**
 * The deliveries that the end of one makes: its record to where its function's configuration wants it told, and the event itself to the function's dead letters
 * when it was given up; what never reached its target goes to the dead letters of the rule or schedule instead. None while it is to be tried again.
 */
export function outcomesOf(deps: OutcomeDeps, claimed: Claimed, ended: { attempted: Attempted; next: NextStep }): NewDelivery[] {
  const { attempted, next } = ended;
  if (next.kind === 'again') return [];
  const undelivered = next.kind === 'failed' ? undeliveredLetter(deps, claimed, { attempted, reason: next.reason }) : null;
  if (undelivered !== null) return [undelivered];
  if (claimed.destination !== undefined) return [];
  const version = deps.functions.version(claimed.functionId, claimed.qualifier);
  const told = destination(deps, claimed, { attempted, next, version });
  const dead = next.kind === 'failed' ? deadLetter(deps, claimed, { attempted, next, version }) : null;
  return dead === null ? told : [...told, dead];
}

interface Ended {
  readonly attempted: Attempted;
  readonly next: Exclude<NextStep, { kind: 'again' }>;
  /** Null when the function, or what was asked of it, is gone. */
  readonly version: FunctionVersion | null;
}

function destination(deps: OutcomeDeps, claimed: Claimed, { attempted, next, version }: Ended): NewDelivery[] {
  const config = deps.functions.config(claimed.functionId, claimed.qualifier);
  const address = (next.kind === 'succeeded' ? config?.onSuccess : config?.onFailure) ?? null;
  const to = address === null ? null : readable(address);
  if (to === null) return [];
  const arn = functionArn({ ...deps.scope, name: version?.name ?? claimed.functionId });
  const qualified = `${arn}:${claimed.qualifier ?? '$LATEST'}`;
  const payload = outcomeRecord({
    nowMs: deps.clock.now(),
    requestId: claimed.requestId,
    functionArn: qualified,
    condition: next.kind === 'succeeded' ? 'Success' : next.reason,
    invokeCount: claimed.functionErrors + (attempted.response === null ? 0 : 1),
    requestPayload: claimed.payload,
    response: attempted.response,
  });
  const delivery = { ...base(deps, claimed, arn), id: `${ofAttempt(claimed)}:${next.kind}`, payload };
  if (to.kind === 'bus') {
    const facts = { id: stableUuid(delivery.id), succeeded: next.kind === 'succeeded', functionArn: qualified, bus: to.bus, ...deps.scope };
    return deps.onBus({ bus: to.bus, event: outcomeBusEvent(delivery, facts), lineage: delivery.lineage, traceId: delivery.traceId });
  }
  // Rows are what the function answered, not what is told of it.
  if (to.kind === 'table')
    return attempted.response === null ? [] : [addressed(deps, to, { ...delivery, payload: attempted.response.body })];
  const asEvent = to.kind === 'http' && to.cloudEvents !== undefined;
  return [addressed(deps, to, asEvent ? { ...delivery, payload: outcomeEvent(delivery, next.kind) } : delivery)];
}

/** Null for what can't be reached, which the API has refused since it was stored: the end of an event must not fail for it. */
function readable(address: string): DestinationName | null {
  try {
    return parseDestination(address);
  } catch {
    return null;
  }
}

/** What is for a function that is not there fails as `FunctionGone`, where it can be seen, rather than being nothing. */
function addressed(deps: OutcomeDeps, to: Exclude<DestinationName, { kind: 'bus' }>, delivery: Unaddressed): NewDelivery {
  if (to.kind !== 'function') return { ...delivery, destination: to };
  return { ...delivery, functionId: deps.named(to.name)?.functionId ?? `function:${to.name}`, qualifier: to.qualifier };
}

const NOT_THERE = new Set<FailureReason>(['FunctionGone', 'DestinationRefused']);

/** What never reached the target of a rule or schedule, for the queue that its DeadLetterConfig names; null where that is not so, or there is none. */
function undeliveredLetter(
  deps: OutcomeDeps,
  claimed: Claimed,
  { attempted, reason }: { readonly attempted: Attempted; readonly reason: FailureReason },
): NewDelivery | null {
  const { policy, functionErrors, systemErrors } = claimed;
  const reached = functionErrors > 0 || (attempted.outcome !== 'system_error' && attempted.outcome !== 'not_tried');
  if (policy === undefined || policy.deadLetterQueue === null || reached) return null;
  const exhausted = EXHAUSTED[reason] ?? null;
  if (exhausted === null && !NOT_THERE.has(reason)) return null; // its function's own: a loop, a concurrency of 0
  const why = { code: exhausted === null ? 'NO_RESOURCE' : 'INTERNAL_ERROR', message: attempted.message, retries: systemErrors, exhausted };
  return {
    ...base(deps, claimed, claimed.sourceArn),
    id: `${ofAttempt(claimed)}:undelivered`,
    payload: policy.event === null ? claimed.payload : Buffer.from(policy.event),
    destination: { kind: 'queue', queue: policy.deadLetterQueue, attributes: undeliveredAttributes(claimed, policy, why) },
  };
}

const EXHAUSTED: Partial<Record<FailureReason, 'MaximumRetryAttempts' | 'MaximumEventAgeInSeconds'>> = {
  RetriesExhausted: 'MaximumRetryAttempts',
  EventAgeExceeded: 'MaximumEventAgeInSeconds',
};

/** The event as it came, as Lambda sends it to a function's DeadLetterConfig. */
function deadLetter(deps: OutcomeDeps, claimed: Claimed, { attempted, next, version }: Ended): NewDelivery | null {
  const target = deadLetterTarget(deadLetterArn(version));
  if (target === null) return null;
  const reason = next.kind === 'failed' ? next.reason : '';
  const message = { requestId: claimed.requestId, code: statusOf(attempted), text: attempted.message || attempted.errorType || reason };
  const arn = functionArn({ ...deps.scope, name: version?.name ?? claimed.functionId });
  const delivery = { ...base(deps, claimed, arn), id: `${ofAttempt(claimed)}:dead`, payload: claimed.payload };
  if (target.kind === 'function') return addressed(deps, target, { ...delivery, clientContext: deadLetterContext(message) });
  return { ...delivery, destination: { ...target, attributes: deadLetterAttributes(message) } };
}

/** What tells of records of a batch that were given up, as a mapping's OnFailure destination gets it. */
export function discardDelivery(
  deps: OutcomeDeps,
  claimed: Claimed,
  { to, facts }: { readonly to: string; readonly facts: Omit<DiscardFacts, 'nowMs' | 'functionArn'> },
): NewDelivery {
  const version = deps.functions.version(claimed.functionId, claimed.qualifier);
  const arn = functionArn({ ...deps.scope, name: version?.name ?? claimed.functionId });
  const qualified = claimed.qualifier === null ? arn : `${arn}:${claimed.qualifier}`;
  const payload = discardRecord({ ...facts, nowMs: deps.clock.now(), functionArn: qualified });
  const [first, last] = [facts.records[0], facts.records.at(-1)];
  const id = `${ofAttempt(claimed)}:${first?.eventID ?? ''}-${last?.eventID ?? ''}`;
  const place = parseDestination(to);
  if (place.kind === 'bus' || place.kind === 'table')
    throw new HearthError('InvalidParameterValueException', 'What a mapping gave up is not told to the event bus, nor to a table.');
  return addressed(deps, place, { ...base(deps, claimed, claimed.sourceArn), id, payload });
}

/** HTTP's word for how the last attempt went: Lambda answers 200 when it was the function that failed. */
function statusOf({ outcome, response }: Attempted): number {
  if (response !== null) return 200;
  if (outcome === 'throttled') return 429;
  return outcome === 'not_tried' ? 400 : 500;
}

/** Begins the ids of what an attempt makes. */
function ofAttempt({ requestId, attempt }: Claimed): string {
  return `${requestId}:${attempt}`;
}

type Unaddressed = Omit<NewDelivery, 'destination'>;

function base(deps: OutcomeDeps, claimed: Claimed, sourceArn: string): Omit<Unaddressed, 'id' | 'payload'> {
  return {
    functionId: claimed.functionId,
    qualifier: claimed.qualifier,
    source: 'destination',
    sourceArn,
    subject: claimed.subject,
    orderKey: null,
    // The hop of the invocation that ended: a destination that comes back to its function is a loop too.
    lineage: lineageText(nextHop(claimed.lineage, claimed.requestId)),
    traceId: traceOf(claimed),
    occurredAtMs: deps.clock.now(),
  };
}
