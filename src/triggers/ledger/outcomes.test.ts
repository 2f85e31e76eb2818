import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { VirtualClock } from '../../lib/virtual-clock.ts';
import type { EventInvokeConfig } from '../../model/event-invoke-config.ts';
import type { Published } from '../../model/event-rule.ts';
import { aDelivery } from '../../model/testing/a-delivery.ts';
import type { Attempted } from './attempt.ts';
import type { Claimed, NextStep } from './ledger.ts';
import { outcomesOf } from './outcomes.ts';

const RULE = 'arn:aws:events:us-east-1:000000000000:rule/r';
const POLICY = { retries: 2, maxAgeMs: 60_000, targetArn: 'arn:target', deadLetterQueue: 'dead', event: '{"whole":true}' };

const claimed = (change: Partial<Claimed> = {}): Claimed => {
  const { id: eventId, requestId: _1, clientContext: _2, ...delivery } = aDelivery({ source: 'events', sourceArn: RULE, policy: POLICY });
  const counts = { attempt: 3, ageMs: 5, functionErrors: 0, systemErrors: 2 };
  return { ...delivery, seq: '1', eventId, lane: 'f-1', requestId: 'r-1', clientContext: '', ...counts, ...change };
};
const attempted = (change: Partial<Attempted> = {}): Attempted => ({
  outcome: 'system_error',
  errorType: 'E',
  message: 'it broke',
  response: null,
  ...change,
});

function outcomes(of: Claimed, done: Attempted, next: NextStep, config: Partial<EventInvokeConfig> = {}) {
  const published: Published[] = [];
  const deps = {
    functions: {
      version: () => null,
      config: () => ({ maximumEventAgeSeconds: null, maximumRetryAttempts: null, onSuccess: null, onFailure: null, ...config }),
      mayLoop: () => false,
    },
    named: () => null,
    clock: new VirtualClock(),
    scope: { accountId: '000000000000', region: 'us-east-1' },
    onBus: (event: Published) => (published.push(event), []),
  };
  return { made: outcomesOf(deps, of, { attempted: done, next }), published };
}

const failed = (reason: 'RetriesExhausted' | 'EventAgeExceeded' | 'FunctionGone' | 'ZeroReservedConcurrency'): NextStep => ({
  kind: 'failed',
  reason,
});

describe('dead letters of what never reached a target', () => {
  const attributes = (of: Claimed, done: Attempted, next: NextStep) => {
    const [letter, ...more] = outcomes(of, done, next).made;
    assert.deepEqual(more, []);
    assert.ok(letter?.destination?.kind === 'queue');
    assert.deepEqual([letter.destination.queue, letter.payload.toString()], ['dead', '{"whole":true}']);
    return Object.fromEntries(Object.entries(letter.destination.attributes ?? {}).map(([name, { StringValue }]) => [name, StringValue]));
  };

  it('say which bound of the retry policy ended it', () => {
    const common = {
      RULE_ARN: RULE,
      TARGET_ARN: 'arn:target',
      ERROR_CODE: 'INTERNAL_ERROR',
      ERROR_MESSAGE: 'it broke',
      RETRY_ATTEMPTS: '2',
    };
    assert.deepEqual(attributes(claimed(), attempted(), failed('RetriesExhausted')), {
      ...common,
      EXHAUSTED_RETRY_CONDITION: 'MaximumRetryAttempts',
    });
    assert.deepEqual(attributes(claimed(), attempted(), failed('EventAgeExceeded')), {
      ...common,
      EXHAUSTED_RETRY_CONDITION: 'MaximumEventAgeInSeconds',
    });
  });

  it('say that there is nothing', () => {
    const gone = attributes(claimed({ systemErrors: 0 }), attempted({ outcome: 'not_tried' }), failed('FunctionGone'));
    assert.deepEqual([gone['ERROR_CODE'], gone['RETRY_ATTEMPTS'], gone['EXHAUSTED_RETRY_CONDITION']], ['NO_RESOURCE', '0', undefined]);
  });

  it('are none for what reached its function, or is its function’s own', () => {
    const none = (of: Claimed, done: Attempted, next: NextStep) => assert.deepEqual(outcomes(of, done, next).made, []);
    none(claimed(), attempted({ outcome: 'function_error' }), failed('RetriesExhausted'));
    none(claimed({ functionErrors: 1 }), attempted(), failed('EventAgeExceeded'));
    none(claimed(), attempted({ outcome: 'throttled' }), failed('EventAgeExceeded'));
    none(claimed(), attempted({ outcome: 'not_tried' }), failed('ZeroReservedConcurrency'));
    none(claimed({ policy: { ...POLICY, deadLetterQueue: null } }), attempted(), failed('RetriesExhausted'));
    none(claimed(), attempted(), { kind: 'again', delayMs: 1, functionErrors: 0, systemErrors: 3 });
  });
});

describe('outcomes on the event bus', () => {
  const BUS = 'arn:aws:events:us-east-1:000000000000:event-bus/default';
  const { policy: _, ...plain } = claimed();
  const answered = attempted({ outcome: 'ok', response: { body: Buffer.from('1'), executedVersion: '$LATEST', functionError: null } });

  it('have the same id however often the end is written, and another at another attempt', () => {
    const id = (attempt: number) =>
      outcomes({ ...plain, attempt }, answered, { kind: 'succeeded' }, { onSuccess: BUS }).published[0]?.event.id;
    assert.equal(id(1), id(1));
    assert.notEqual(id(1), id(2));
  });

  it('carry the chain of events on', () => {
    const [told] = outcomes({ ...plain, lineage: '' }, answered, { kind: 'succeeded' }, { onSuccess: BUS }).published;
    assert.notEqual(told?.lineage, '');
  });

  it('what was stored and can’t be told ends quietly', () => {
    assert.deepEqual(outcomes(plain, answered, { kind: 'succeeded' }, { onSuccess: 'arn:aws:sns:us-east-1:000000000000:t' }).made, []);
  });
});
