import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { VirtualClock } from '../../lib/virtual-clock.ts';
import type { BusSchedule, EventRule } from '../../model/event-rule.ts';
import type { NewDelivery } from '../../model/delivery.ts';
import type { Firing } from '../schedule/ledger.ts';
import { BusClock, type BusClockLedger } from './bus-clock.ts';

const MINUTE = 60_000;

class MemoryLedger implements BusClockLedger {
  readonly deliveries: NewDelivery[] = [];
  readonly last = new Map<string, number>();
  async lastFired(): Promise<ReadonlyMap<string, number>> {
    return this.last;
  }
  async fire(firings: readonly Firing[]): Promise<void> {
    for (const { triggerId, atMs, delivery } of firings) {
      this.last.set(triggerId, atMs);
      if (!this.deliveries.some((d) => d.id === delivery.id)) this.deliveries.push(delivery);
    }
  }
  async forget(id: string): Promise<void> {
    this.last.delete(id);
  }
}

describe('times of rules and schedules', () => {
  let clock: VirtualClock;
  let ledger: MemoryLedger;
  let completed: string[];
  let times: BusClock;
  const open = (): BusClock =>
    new BusClock({
      ledger,
      clock,
      lookup: {
        functionOf: (arn) =>
          arn.includes(':lambda:') ? { functionId: arn.split(':')[6] ?? '', qualifier: arn.split(':')[7] ?? null } : null,
        queueOf: (arn) => (arn.includes(':sqs:') ? (arn.split(':')[5] ?? null) : null),
      },
      scope: { accountId: '000000000000', region: 'us-east-1' },
      log: { info: () => {}, warn: () => {} },
      completed: ({ name }) => completed.push(name),
    });
  beforeEach(() => {
    clock = new VirtualClock(Date.UTC(2026, 10, 27));
    ledger = new MemoryLedger();
    completed = [];
    times = open();
  });
  afterEach(() => times.close());

  const rule = (changes: Partial<EventRule> = {}): EventRule => ({
    ruleId: 'r-1',
    name: 'rule',
    description: null,
    enabled: true,
    pattern: null,
    schedule: 'rate(1 minute)',
    roleArn: null,
    targets: [
      { Id: 'f', Arn: 'arn:aws:lambda:us-east-1:000000000000:function:fn:live' },
      { Id: 'q', Arn: 'arn:aws:sqs:us-east-1:000000000000:queue.fifo', Input: '"hello"', SqsParameters: { MessageGroupId: 'g' } },
      { Id: 'nothing', Arn: 'arn:aws:sns:us-east-1:000000000000:topic' },
    ],
    changedAtMs: clock.now(),
    ...changes,
  });

  it('each time of a rule is one delivery for each target that is there', async () => {
    times.setRule(rule());
    await clock.advance(2 * MINUTE + 1);
    assert.deepEqual(
      ledger.deliveries.map((d) => [d.functionId, d.qualifier, d.destination ?? null]),
      [0, 1].flatMap(() => [
        ['fn', 'live', null],
        ['', null, { kind: 'queue', queue: 'queue.fifo', groupId: 'g' }],
      ]),
    );
    const [event, hello] = ledger.deliveries.map((d) => JSON.parse(d.payload.toString()) as Record<string, unknown>);
    assert.deepEqual(
      [event?.['source'], event?.['resources'], hello],
      ['aws.events', ['arn:aws:events:us-east-1:000000000000:rule/rule'], 'hello'],
    );
    assert.equal(new Set(ledger.deliveries.map((d) => d.id)).size, 4);
  });

  it('after a restart goes on where it was; what is removed is forgotten', async () => {
    times.setRule(rule());
    await clock.advance(MINUTE + 1);
    const made = rule({ changedAtMs: clock.now() - MINUTE - 1 });
    await times.close();
    times = open();
    times.setRule(made);
    await clock.advance(1_000);
    assert.equal(ledger.deliveries.length, 2, 'no time comes twice');
    await clock.advance(MINUTE);
    assert.equal(ledger.deliveries.length, 4);
    await times.remove('r-1');
    await clock.advance(5 * MINUTE);
    assert.deepEqual([ledger.deliveries.length, ledger.last.size], [4, 0]);
  });

  it('without targets, or disabled, it is silent', async () => {
    times.setRule(rule({ targets: [] }));
    times.setRule(rule({ ruleId: 'r-2', enabled: false }));
    await clock.advance(5 * MINUTE);
    assert.deepEqual(ledger.deliveries, []);
  });

  it('a rate of Scheduler is due at once when it is made, as on AWS, and a change leaves its rhythm', async () => {
    const madeAtMs = clock.now();
    const schedule = (settings: object, modifiedAtMs = madeAtMs): BusSchedule => ({
      scheduleId: 's-1',
      name: 'often',
      settings: {
        ScheduleExpression: 'rate(1 hours)',
        Target: { Arn: 'arn:aws:lambda:us-east-1:000000000000:function:fn', Input: '1' },
        ...settings,
      },
      clientToken: null,
      createdAtMs: madeAtMs,
      modifiedAtMs,
    });
    const minutes = () => ledger.deliveries.map((d) => (d.occurredAtMs - madeAtMs) / MINUTE);
    times.setSchedule(schedule({}));
    await clock.advance(40 * MINUTE);
    assert.deepEqual(minutes(), [0]);
    times.setSchedule(schedule({ Description: 'another' }, clock.now()));
    await clock.advance(30 * MINUTE);
    assert.deepEqual(minutes(), [0, 60]);
    await times.close();
    times = open();
    times.setSchedule(schedule({ StartDate: madeAtMs + 90 * MINUTE }, clock.now()));
    await clock.advance(60 * MINUTE);
    assert.deepEqual(minutes(), [0, 60, 90]);
  });

  it('a rate of Scheduler that was changed, or disabled for long, makes up for nothing from before', async () => {
    const madeAtMs = clock.now();
    const change = (settings: object): void =>
      times.setSchedule({
        scheduleId: 's-1',
        name: 'often',
        settings: { ScheduleExpression: 'rate(1 hour)', Target: { Arn: 'arn:aws:lambda:us-east-1:000000000000:function:fn' }, ...settings },
        clientToken: null,
        createdAtMs: madeAtMs,
        modifiedAtMs: clock.now(),
      });
    const minutes = () => ledger.deliveries.map((d) => (d.occurredAtMs - madeAtMs) / MINUTE);
    change({});
    await clock.advance(MINUTE);
    change({ State: 'DISABLED' });
    await clock.advance(29 * MINUTE + 7 * 24 * 60 * MINUTE);
    change({ State: 'ENABLED' });
    await clock.advance(MINUTE);
    assert.deepEqual(minutes(), [0]);
    await times.close();
    times = open();
    change({ ScheduleExpression: 'rate(10 minutes)' });
    await clock.advance(10 * MINUTE);
    assert.deepEqual(minutes(), [0, 7 * 24 * 60 + 40]);
  });

  it('tells of a schedule that was to go when it has ended', async () => {
    const at = new Date(clock.now() + MINUTE).toISOString().slice(0, 19);
    const schedule = (name: string, ActionAfterCompletion: string): BusSchedule => ({
      scheduleId: name,
      name,
      settings: {
        ScheduleExpression: `at(${at})`,
        FlexibleTimeWindow: { Mode: 'OFF' },
        Target: { Arn: 'arn:aws:lambda:us-east-1:000000000000:function:fn', Input: '{"at":"<aws.scheduler.scheduled-time>"}' },
        ActionAfterCompletion,
      },
      clientToken: null,
      createdAtMs: clock.now(),
      modifiedAtMs: clock.now(),
    });
    times.setSchedule(schedule('goes', 'DELETE'));
    times.setSchedule(schedule('stays', 'NONE'));
    await clock.advance(2 * MINUTE);
    assert.deepEqual(
      ledger.deliveries.map((d) => d.payload.toString()),
      [`{"at":"${at}Z"}`, `{"at":"${at}Z"}`],
    );
    assert.deepEqual(completed, ['goes']);
  });
});
