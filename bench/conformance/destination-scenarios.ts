import { DeleteRuleCommand, PutRuleCommand, PutTargetsCommand, RemoveTargetsCommand } from '@aws-sdk/client-eventbridge';
import { ReceiveMessageCommand } from '@aws-sdk/client-sqs';
import type { Params } from './call.ts';
import { asRecorded } from './clients.ts';
import { AFTER_RETRIES_MS, makeQueue, messageOf, receiveOne, type ReplayQueue } from './queue.ts';
import { NoCounterpart, type Replay, type Scenario } from './replay.ts';

const CONTEXT = `def handler(event, context):
    names = ["invoked_function_arn", "function_version", "function_name", "memory_limit_in_mb", "aws_request_id", "log_group_name", "log_stream_name", "client_context"]
    return {"event": event, "context": {n: getattr(context, n) for n in names}}
`;

/** Raises on the line that the recorded stack trace names. */
const raising = (line: number, message: string): string =>
  `def handler(event, context):\n${'\n'.repeat(line - 2)}    raise Exception("${message}")\n`;

const both = (queue: ReplayQueue): Params => ({
  DestinationConfig: { OnSuccess: { Destination: queue.arn }, OnFailure: { Destination: queue.arn } },
});

async function configured(r: Replay, FunctionName: string, config: Params): Promise<void> {
  await r.checkCall('put_function_event_invoke_config', 'PutFunctionEventInvokeConfig', { FunctionName, ...config });
}

const invoke = (r: Replay, FunctionName: string, event: unknown): Promise<unknown> =>
  r.call('Invoke', { FunctionName, Payload: JSON.stringify(event), InvocationType: 'Event' });

function succeeding(more: Params): Scenario {
  return async (r) => {
    const queue = await makeQueue(r);
    const FunctionName = await r.python(CONTEXT);
    await configured(r, FunctionName, { ...both(queue), ...more });
    await invoke(r, FunctionName, {});
    r.check('receive_message_result', await receiveOne(r, queue));
  };
}

/** The outcome of an event that the function fails, as a message of a queue; `config` says how often it is tried. */
async function failed(r: Replay, line: number, o: { config: Params; message: string; event: unknown }): Promise<ReplayQueue> {
  const queue = await makeQueue(r);
  const FunctionName = await r.python(raising(line, o.message));
  await r.call('PutFunctionEventInvokeConfig', { FunctionName, DestinationConfig: { OnFailure: { Destination: queue.arn } }, ...o.config });
  await invoke(r, FunctionName, o.event);
  return queue;
}

const sqs: Record<string, Scenario> = {
  'test_assess_lambda_destination_invocation[Success-payload0]': succeeding({}),
  'test_assess_lambda_destination_invocation[payload0]': succeeding({ MaximumRetryAttempts: 0 }),
  async test_lambda_destination_default_retries(r) {
    const queue = await makeQueue(r);
    const FunctionName = await r.python(raising(55, 'Test exception (this is intentional)'));
    await configured(r, FunctionName, both(queue));
    await invoke(r, FunctionName, { raise_error: 1 });
    r.check('receive_message_result', await receiveOne(r, queue, { limitMs: AFTER_RETRIES_MS }));
  },
  async test_retries(r) {
    const event = { message: 'a message' };
    const queue = await failed(r, 7, { config: { MaximumRetryAttempts: 2 }, message: 'intentional failure', event });
    await seenOnce(r, queue);
    r.check('queue_destination_payload', await receiveOne(r, queue, { system: true }));
  },
  async test_maxeventage(r) {
    const event = { message: 'a message' };
    const aged = (MaximumEventAgeInSeconds: number): Promise<ReplayQueue> =>
      failed(r, 7, { config: { MaximumRetryAttempts: 2, MaximumEventAgeInSeconds }, message: 'intentional failure', event });
    const [none, one] = [await aged(60), await aged(150)];
    // Each was recorded by itself, of one function: what stands for its name is another for the second here.
    r.check('no_retry_failure_message', messageOf(await receiveOne(r, none, { system: true })));
    r.checkApart('single_retry_failure_message', messageOf(await receiveOne(r, one, { system: true, limitMs: AFTER_RETRIES_MS })));
  },
};

/** Receives a message and leaves it where it is. */
async function seenOnce(r: Replay, { url: QueueUrl }: ReplayQueue): Promise<void> {
  for (const until = Date.now() + AFTER_RETRIES_MS; Date.now() < until;) {
    const look = new ReceiveMessageCommand({ QueueUrl, WaitTimeSeconds: 20, VisibilityTimeout: 0 });
    const { Messages = [] } = await asRecorded(r.server.clients.sqs.send(look));
    if ((Messages as unknown[]).length > 0) return;
  }
}

const concurrency: Record<string, Scenario> = {
  async test_reserved_concurrency(r) {
    const FunctionName = await r.python('def handler(event, context):\n    return event\n', {
      Timeout: 20,
      Environment: { Variables: {} },
    });
    await r.checkCall('fn', 'GetFunctionConfiguration', { FunctionName, Qualifier: '$LATEST' });
    await r.checkCall('put_reserved', 'PutFunctionConcurrency', { FunctionName, ReservedConcurrentExecutions: 0 });
    await r.checkCall('exc_no_cap_requestresponse', 'Invoke', { FunctionName, Payload: '{}' });
    const queue = await makeQueue(r);
    const config = { MaximumRetryAttempts: 0, DestinationConfig: { OnFailure: { Destination: queue.arn } } };
    await r.checkCall('put_event_invoke_conf', 'PutFunctionEventInvokeConfig', { FunctionName, ...config });
    await r.checkCall('invoke_result', 'Invoke', { FunctionName, Payload: '{}', InvocationType: 'Event' });
    r.check('msg', messageOf(await receiveOne(r, queue, { system: true })));
  },
};

const SUCCEEDS_OR_FAILS = `def handler(event, context):
    if event["mode"] == "success":
        return {"hello": "world", "test": "abc", "val": 5, "success": True}
    raise Exception("intentional failure!")
`;

/** The one bus that there is here, with a rule for what the function tells it. */
const bus: Record<string, Scenario> = {
  async test_invoke_lambda_eventbridge(r) {
    if (r.server.python === null) throw new NoCounterpart('no Python is installed here');
    const { events } = r.server.clients;
    const queue = await makeQueue(r);
    const FunctionName = r.name();
    const files = { 'index.py': SUCCEEDS_OR_FAILS };
    await r.call('CreateFunction', await r.functionOf(FunctionName, files, { Runtime: r.server.python }));
    const Destination = `arn:aws:events:us-east-1:${r.server.accountId}:event-bus/default`;
    const DestinationConfig = { OnSuccess: { Destination }, OnFailure: { Destination } };
    await r.call('PutFunctionEventInvokeConfig', { FunctionName, MaximumRetryAttempts: 0, DestinationConfig });
    const Name = r.name('rule');
    const EventPattern = JSON.stringify({ source: ['lambda'], resources: [{ suffix: `:function:${FunctionName}:$LATEST` }] });
    await events.send(new PutRuleCommand({ Name, EventPattern }));
    r.atEnd(() => events.send(new DeleteRuleCommand({ Name })));
    await events.send(new PutTargetsCommand({ Rule: Name, Targets: [{ Id: 'q', Arn: queue.arn }] }));
    r.atEnd(() => events.send(new RemoveTargetsCommand({ Rule: Name, Ids: ['q'] })));
    for (const mode of ['success', 'failure']) {
      await invoke(r, FunctionName, { mode });
      r.check(`lambda_destination_event_bus_${mode}`, JSON.parse(messageOf(await receiveOne(r, queue)).Body ?? ''));
    }
  },
};

function grouped(group: string, scenarios: Record<string, Scenario>): [string, Scenario][] {
  return Object.entries(scenarios).map(([name, scenario]) => [`${group}::${name}`, scenario]);
}

/** What of the recordings needs a queue that is told how asynchronous events ended. */
export const DESTINATION_SCENARIOS: Readonly<Record<string, Scenario>> = Object.fromEntries([
  ...grouped('TestLambdaDestinationSqs', sqs),
  ...grouped('TestLambdaConcurrency', concurrency),
  ...grouped('TestLambdaDestinationEventbridge', bus),
]);
