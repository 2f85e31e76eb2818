import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import {
  CreateScheduleCommand,
  CreateScheduleGroupCommand,
  DeleteScheduleCommand,
  DeleteScheduleGroupCommand,
  GetScheduleCommand,
  GetScheduleGroupCommand,
  ListScheduleGroupsCommand,
  ListSchedulesCommand,
  ListTagsForResourceCommand,
  TagResourceCommand,
  UntagResourceCommand,
  UpdateScheduleCommand,
  type CreateScheduleCommandInput,
} from '@aws-sdk/client-scheduler';
import { ACCOUNT, BusWorld, FUNCTION, ROLE as RoleArn } from './bus-world.ts';
import { until } from './until.ts';

let world: BusWorld;
before(async () => {
  world = await BusWorld.open();
});
after(() => world.close());

describe('Scheduler, by the AWS SDK', () => {
  const once = (atMs: number) => `at(${new Date(atMs).toISOString().slice(0, 19)})`;
  const create = (Name: string, more: Partial<CreateScheduleCommandInput>) =>
    world.scheduler.send(
      new CreateScheduleCommand({
        Name,
        ScheduleExpression: 'rate(1 day)',
        FlexibleTimeWindow: { Mode: 'OFF' },
        Target: { Arn: FUNCTION, RoleArn, Input: '{"daily":true}' },
        ...more,
      }),
    );

  test('a schedule is made, found, changed, listed and deleted', async () => {
    const StartDate = new Date('2030-01-01T00:00:00Z');
    const { ScheduleArn } = await create('daily', {
      ScheduleExpression: 'cron(0 6 * * ? *)',
      ScheduleExpressionTimezone: 'Europe/Madrid',
      StartDate,
      ClientToken: 'same',
    });
    assert.equal(ScheduleArn, `arn:aws:scheduler:${ACCOUNT}:schedule/default/daily`);
    const found = await world.scheduler.send(new GetScheduleCommand({ Name: 'daily', GroupName: 'default' }));
    assert.deepEqual(
      [
        found.ScheduleExpression,
        found.ScheduleExpressionTimezone,
        found.StartDate,
        found.State,
        found.Target?.Input,
        found.ActionAfterCompletion,
      ],
      ['cron(0 6 * * ? *)', 'Europe/Madrid', StartDate, 'ENABLED', '{"daily":true}', 'NONE'],
    );
    assert.ok(found.CreationDate instanceof Date);
    assert.equal((await create('daily', { ClientToken: 'same' })).ScheduleArn, ScheduleArn);
    await assert.rejects(create('daily', {}), { name: 'ConflictException', message: 'Schedule daily already exists.' });
    await world.scheduler.send(
      new UpdateScheduleCommand({
        Name: 'daily',
        ScheduleExpression: 'rate(2 hours)',
        State: 'DISABLED',
        FlexibleTimeWindow: { Mode: 'FLEXIBLE', MaximumWindowInMinutes: 5 },
        Target: { Arn: FUNCTION, RoleArn },
      }),
    );
    const { Schedules } = await world.scheduler.send(new ListSchedulesCommand({ State: 'DISABLED', NamePrefix: 'dai' }));
    assert.deepEqual(
      Schedules?.map((s) => [s.Name, s.GroupName, s.State, s.Target?.Arn]),
      [['daily', 'default', 'DISABLED', FUNCTION]],
    );
    assert.equal((await world.scheduler.send(new GetScheduleCommand({ Name: 'daily' }))).StartDate, undefined);
    await world.scheduler.send(new DeleteScheduleCommand({ Name: 'daily' }));
    await assert.rejects(world.scheduler.send(new GetScheduleCommand({ Name: 'daily' })), {
      name: 'ResourceNotFoundException',
      message: 'Schedule daily does not exist.',
    });
  });

  test('a time that comes reaches the function, its words filled in; the schedule goes when it asked for that', async () => {
    const Input = '{"arn":"<aws.scheduler.schedule-arn>","time":"<aws.scheduler.scheduled-time>"}';
    const at = Date.now() + 1_500;
    await create('once', { ScheduleExpression: once(at), ActionAfterCompletion: 'DELETE', Target: { Arn: FUNCTION, RoleArn, Input } });
    const { event } = await world.heard((e) => e['arn'] === `arn:aws:scheduler:${ACCOUNT}:schedule/default/once`);
    assert.equal(event['time'], `${new Date(at).toISOString().slice(0, 19)}Z`);
    await until(async () => (await world.scheduler.send(new ListSchedulesCommand({ NamePrefix: 'once' }))).Schedules?.length === 0);
  });

  test('without an input the event is Scheduler’s own; a queue is a target too', async () => {
    const target = await world.queue('schedule-queue');
    await create('to-queue', { ScheduleExpression: once(Date.now() + 1_500), Target: { Arn: target.arn, RoleArn } });
    const event = JSON.parse(await target.receive()) as Record<string, unknown>;
    assert.deepEqual(
      [event['source'], event['detail-type'], event['resources']],
      ['aws.scheduler', 'Scheduled Event', [`arn:aws:scheduler:${ACCOUNT}:schedule/default/to-queue`]],
    );
  });

  test('groups hold schedules of their own, and take them along', async () => {
    const GroupName = 'nightly';
    const arn = `arn:aws:scheduler:${ACCOUNT}:schedule-group/${GroupName}`;
    const group = () =>
      world.scheduler.send(new CreateScheduleGroupCommand({ Name: GroupName, ClientToken: 'same', Tags: [{ Key: 'a', Value: '1' }] }));
    assert.deepEqual([(await group()).ScheduleGroupArn, (await group()).ScheduleGroupArn], [arn, arn]);
    await assert.rejects(world.scheduler.send(new CreateScheduleGroupCommand({ Name: GroupName })), { name: 'ConflictException' });
    const { Name, Arn, State, CreationDate } = await world.scheduler.send(new GetScheduleGroupCommand({ Name: GroupName }));
    assert.deepEqual([Name, Arn, State], [GroupName, arn, 'ACTIVE']);
    assert.ok(CreationDate instanceof Date);
    const { ScheduleGroups } = await world.scheduler.send(new ListScheduleGroupsCommand({}));
    assert.deepEqual(
      ScheduleGroups?.map((g) => g.Name),
      ['default', GroupName],
    );
    await world.scheduler.send(new TagResourceCommand({ ResourceArn: arn, Tags: [{ Key: 'b', Value: '2' }] }));
    await world.scheduler.send(new UntagResourceCommand({ ResourceArn: arn, TagKeys: ['a'] }));
    const { Tags } = await world.scheduler.send(new ListTagsForResourceCommand({ ResourceArn: arn }));
    assert.deepEqual(Tags, [{ Key: 'b', Value: '2' }]);

    const { ScheduleArn } = await create('same-name', { GroupName });
    assert.equal(ScheduleArn, `arn:aws:scheduler:${ACCOUNT}:schedule/${GroupName}/same-name`);
    await create('same-name', { ScheduleExpression: 'rate(2 days)' });
    const found = await world.scheduler.send(new GetScheduleCommand({ Name: 'same-name', GroupName }));
    assert.deepEqual([found.GroupName, found.ScheduleExpression], [GroupName, 'rate(1 day)']);
    const listed = async (more: object) => {
      const all = await world.scheduler.send(new ListSchedulesCommand({ NamePrefix: 'same', ...more }));
      return all.Schedules?.map((s) => s.GroupName);
    };
    assert.deepEqual([await listed({ GroupName }), await listed({})], [[GroupName], [GroupName, 'default']]);
    const Input = '{"arn":"<aws.scheduler.schedule-arn>"}';
    const Target = { Arn: FUNCTION, RoleArn, Input };
    await create('grouped', { GroupName, ScheduleExpression: once(Date.now() + 1_500), ActionAfterCompletion: 'DELETE', Target });
    await world.heard((e) => e['arn'] === `arn:aws:scheduler:${ACCOUNT}:schedule/${GroupName}/grouped`);
    await until(async () => (await world.scheduler.send(new ListSchedulesCommand({ NamePrefix: 'grouped' }))).Schedules?.length === 0);

    await world.restart();
    assert.deepEqual(await listed({ GroupName }), [GroupName]);
    await world.scheduler.send(new DeleteScheduleGroupCommand({ Name: GroupName }));
    const gone = { name: 'ResourceNotFoundException', message: 'Schedule group nightly does not exist.' };
    await assert.rejects(world.scheduler.send(new GetScheduleGroupCommand({ Name: GroupName })), gone);
    await assert.rejects(listed({ GroupName }), gone);
    assert.deepEqual(await listed({}), ['default']);
    await group();
    assert.deepEqual(await listed({ GroupName }), []);
    await assert.rejects(world.scheduler.send(new DeleteScheduleGroupCommand({ Name: 'default' })), { name: 'ValidationException' });
    const schedule = { ResourceArn: ScheduleArn };
    await assert.rejects(world.scheduler.send(new ListTagsForResourceCommand(schedule)), { name: 'ValidationException' });
  });

  test('what is wrong is refused', async () => {
    await assert.rejects(create('wrong', { ScheduleExpression: 'cron(0 6 * * *)' }), /Invalid Schedule Expression cron/);
    for (const ScheduleExpression of ['at(2031-12-31T23:59:59Z)', 'at(2031-12-31)', 'rate( 10 minutes )', ' rate(10 minutes)', 'rate(10)'])
      await assert.rejects(create('wrong', { ScheduleExpression }), /Invalid Schedule Expression/, ScheduleExpression);
    await assert.rejects(create('wrong', { ScheduleExpressionTimezone: 'Mars/Base' }), /'Mars\/Base' is not a time zone/);
    await assert.rejects(create('wrong', { FlexibleTimeWindow: { Mode: 'FLEXIBLE' } }), /MaximumWindowInMinutes must be provided/);
    await assert.rejects(create('wrong', { GroupName: 'other' }), {
      name: 'ResourceNotFoundException',
      message: 'Schedule group other does not exist.',
    });
    await assert.rejects(create('wrong', { Target: { Arn: FUNCTION, RoleArn, Input: '{' } }), /well-formed JSON/);
    await assert.rejects(
      create('wrong', { Target: { Arn: 'arn:aws:scheduler:::aws-sdk:ec2:stopInstances', RoleArn } }),
      /functions and queues/,
    );
    await assert.rejects(create('a b', {}), { name: 'ValidationException' });
  });
});
