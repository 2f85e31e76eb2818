import { GetQueueUrlCommand, SendMessageBatchCommand, SendMessageCommand } from '@aws-sdk/client-sqs';
import type { Answer, Params } from './call.ts';
import { asRecorded } from './clients.ts';
import { makeQueue, messageOf, receiveOne, type ReplayQueue } from './queue.ts';
import type { Replay, Scenario } from './replay.ts';
import { TELLING } from './telling.ts';

/** Fails as often as its message says, and tells the queue that the message names. */
const FAILING = `${TELLING}
exports.handler = async (event) => {
  const [record] = event.Records;
  const { destination, fail_attempts } = JSON.parse(record.body);
  const error = fail_attempts !== undefined && Number(record.attributes.ApproximateReceiveCount) <= fail_attempts ? 'failed attempt' : null;
  await tell(destination, { error, event });
  if (error !== null) throw new Error(error);
};`;

/** Reports those messages as failed that say that they are to fail so often. */
const REPORTING = `${TELLING}
exports.handler = async (event) => {
  const failed = event.Records.filter((r) => JSON.parse(r.body).fail_attempts >= Number(r.attributes.ApproximateReceiveCount));
  const preset = process.env.RESULT;
  const result = preset ? JSON.parse(preset) : { batchItemFailures: failed.map((r) => ({ itemIdentifier: r.messageId })) };
  await tell(process.env.DESTINATION, { event, result });
  return result;
};`;

const ECHO = `${TELLING}
exports.handler = async (event) => { await tell(process.env.DESTINATION, event); };`;

/** As short as the recorded tests had it where time passes before a message comes again. */
const AGAIN_SECONDS = 3;

interface Mapped {
  readonly made: Answer;
  readonly uuid: string;
}

async function mapped(r: Replay, params: Params): Promise<Mapped> {
  const made = await r.call('CreateEventSourceMapping', params);
  const uuid = String(made['UUID']);
  r.atEnd(() => r.call('DeleteEventSourceMapping', { UUID: uuid }));
  return { made, uuid };
}

const variables = (Variables: Record<string, string>): Params => ({ Environment: { Variables } });

const send = (r: Replay, queue: ReplayQueue, MessageBody: string): Promise<Answer> =>
  asRecorded(r.server.clients.sqs.send(new SendMessageCommand({ QueueUrl: queue.url, MessageBody })));

async function sendBatch(r: Replay, queue: ReplayQueue, Entries: { Id: string; MessageBody: string }[]): Promise<Answer> {
  return asRecorded(r.server.clients.sqs.send(new SendMessageBatchCommand({ QueueUrl: queue.url, Entries })));
}

async function checkQueueUrl(r: Replay, queue: ReplayQueue): Promise<void> {
  const QueueName = queue.arn.split(':').at(-1);
  r.check('get_destination_queue_url', await asRecorded(r.server.clients.sqs.send(new GetQueueUrlCommand({ QueueName }))));
}

const redrive = (to: ReplayQueue, maxReceiveCount: number): Record<string, string> => ({
  RedrivePolicy: JSON.stringify({ deadLetterTargetArn: to.arn, maxReceiveCount }),
});

const visibility = { VisibilityTimeout: String(AGAIN_SECONDS) };

const retries: Record<string, Scenario> = {
  async test_failing_lambda_retries_after_visibility_timeout(r) {
    const destination = await makeQueue(r);
    await checkQueueUrl(r, destination);
    const source = await makeQueue(r, visibility);
    const FunctionName = await r.node(FAILING, { Timeout: AGAIN_SECONDS });
    const { uuid } = await mapped(r, { FunctionName, EventSourceArn: source.arn, BatchSize: 1 });
    await r.checkCall('event_source_mapping', 'GetEventSourceMapping', { UUID: uuid });
    await send(r, source, `{"destination": "${destination.url}", "fail_attempts": 1}`);
    r.check('first_attempt', await receiveOne(r, destination));
    r.check('second_attempt', await receiveOne(r, destination));
  },
  async test_redrive_policy_with_failing_lambda(r) {
    const destination = await makeQueue(r);
    await checkQueueUrl(r, destination);
    const dead = await makeQueue(r);
    const source = await makeQueue(r, { ...visibility, ...redrive(dead, 2) });
    const FunctionName = await r.node(FAILING, { Timeout: AGAIN_SECONDS });
    await mapped(r, { FunctionName, EventSourceArn: source.arn, BatchSize: 1 });
    await send(r, source, `{"destination": "${destination.url}", "fail_attempts": 2}`);
    r.check('first_attempt', await receiveOne(r, destination));
    r.check('second_attempt', await receiveOne(r, destination));
    r.check('dlq_response', await receiveOne(r, dead));
  },
};

const reports: Record<string, Scenario> = {
  async test_report_batch_item_failures(r) {
    const destination = await makeQueue(r);
    await checkQueueUrl(r, destination);
    const fifo = { FifoQueue: 'true' };
    const dead = await makeQueue(r, fifo);
    const source = await makeQueue(r, { ...fifo, ...visibility, ...redrive(dead, 2) });
    const Entries = [0, 1, 1, 2].map((fail_attempts, i) => ({
      Id: `message-${i + 1}`,
      MessageBody: JSON.stringify({ message: i + 1, fail_attempts }),
      MessageGroupId: '1',
      MessageDeduplicationId: `dedup-${i + 1}`,
    }));
    r.check('send_message_batch', await sendBatch(r, source, Entries));
    const FunctionName = await r.node(REPORTING, { Timeout: AGAIN_SECONDS, ...variables({ DESTINATION: destination.url }) });
    const settings = { BatchSize: 10, MaximumBatchingWindowInSeconds: 0, FunctionResponseTypes: ['ReportBatchItemFailures'] };
    r.check('create_event_source_mapping', (await mapped(r, { FunctionName, EventSourceArn: source.arn, ...settings })).made);
    r.check('first_invocation', await receiveOne(r, destination));
    r.check('second_invocation', await receiveOne(r, destination));
    r.check('dlq_response', await receiveOne(r, dead));
  },
  async test_report_batch_item_failures_invalid_result_json_batch_fails(r) {
    const { destination, dead } = await presetReport(r, { batchItemFailures: [{ foo: 'notvalid' }] });
    r.check('first_invocation', await receiveOne(r, destination));
    r.check('second_invocation', await receiveOne(r, destination));
    r.check('dlq_response', await receiveOne(r, dead));
  },
  async test_report_batch_item_failures_empty_json_batch_succeeds(r) {
    const { destination } = await presetReport(r, {});
    r.check('first_invocation', await receiveOne(r, destination));
  },
};

async function presetReport(r: Replay, result: object): Promise<{ destination: ReplayQueue; dead: ReplayQueue }> {
  const destination = await makeQueue(r);
  await checkQueueUrl(r, destination);
  const dead = await makeQueue(r);
  const source = await makeQueue(r, { ...visibility, ...redrive(dead, 2) });
  const told = variables({ DESTINATION: destination.url, RESULT: JSON.stringify(result) });
  const FunctionName = await r.node(REPORTING, { Timeout: AGAIN_SECONDS, ...told });
  const FunctionResponseTypes = ['ReportBatchItemFailures'];
  await mapped(r, { FunctionName, EventSourceArn: source.arn, MaximumBatchingWindowInSeconds: 0, FunctionResponseTypes });
  await send(r, source, '{"message": 1, "fail_attempts": 0}');
  return { destination, dead };
}

/** A function that tells what it gets, behind a queue. */
async function echoed(r: Replay, settings: Params): Promise<{ source: ReplayQueue; destination: ReplayQueue; made: Answer }> {
  const [source, destination] = [await makeQueue(r), await makeQueue(r)];
  const FunctionName = await r.node(ECHO, variables({ DESTINATION: destination.url }));
  const { made } = await mapped(r, { FunctionName, EventSourceArn: source.arn, ...settings });
  return { source, destination, made };
}

async function eventFrom(r: Replay, destination: ReplayQueue): Promise<{ Records: { body: string }[] }> {
  return JSON.parse(messageOf(await receiveOne(r, destination)).Body ?? '') as { Records: { body: string }[] };
}

interface Filtering {
  readonly pattern: unknown;
  readonly matching: unknown;
  readonly other: unknown;
}

const asText = (body: unknown): string => (typeof body === 'string' ? body : JSON.stringify(body));

/** What does not fit is sent first: had it come through, it would have come before, or with, what fits. */
function filtering({ pattern, matching, other }: Filtering): Scenario {
  return async (r) => {
    const Filters = [{ Pattern: JSON.stringify({ body: pattern }) }];
    const { source, destination, made } = await echoed(r, { MaximumBatchingWindowInSeconds: 1, FilterCriteria: { Filters } });
    const recorded = r.unchecked().length > 0;
    if (recorded) r.check('create_event_source_mapping_response', made);
    await sendBatch(r, source, [
      { Id: 'other', MessageBody: asText(other) },
      { Id: 'matching', MessageBody: asText(matching) },
    ]);
    const event = await eventFrom(r, destination);
    if (recorded) r.check('invocation_events', [event]);
    // Nothing was recorded where AWS was only seen to pass the one and drop the other.
    const bodies = event.Records.map((record) => record.body);
    if (!recorded && bodies.join() !== asText(matching)) r.differences.push(`the function got ${JSON.stringify(bodies)}`);
  };
}

const numeric = (...bounds: (string | number)[]): unknown => [{ numeric: bounds }];

/** By the name of the case: its filter, what fits and what does not. */
const FILTERS: Readonly<Record<string, Filtering>> = {
  'filter3-item_matching3-item_not_matching3': {
    pattern: { test2: [{ exists: true }] },
    matching: { test2: '7411' },
    other: { test5: '74545' },
  },
  'filter4-item_matching4-this is a test string': {
    pattern: { test2: numeric('>', 100) },
    matching: { test2: 105 },
    other: 'this is a test string',
  },
  'filter5-item_matching5-item_not_matching5': { pattern: { test2: numeric('<', 100) }, matching: { test2: 93 }, other: { test2: 105 } },
  'numeric-smaller': { pattern: { 'my-number': numeric('<', 100) }, matching: { 'my-number': 99 }, other: { 'my-number': 100 } },
  'numeric-range': {
    pattern: { 'my-number': numeric('>=', 100, '<', 200) },
    matching: { 'my-number': 100 },
    other: { 'my-number': 200 },
  },
  'numeric-prefix': { pattern: { test2: [{ prefix: 'us-1' }] }, matching: { test2: 'us-1-48454' }, other: { test2: 'eu-wert' } },
  or: {
    pattern: { 'my-key': ['my-value-one', 'my-value-two'] },
    matching: { 'my-key': 'my-value-two' },
    other: { 'my-key': 'other' },
  },
  exists: { pattern: { 'my-key': [{ exists: true }] }, matching: { 'my-key': 'any-value-one' }, other: { 'other-key': 'any-value' } },
  prefix: { pattern: { 'my-key': [{ prefix: 'yes' }] }, matching: { 'my-key': 'yes-value' }, other: { 'my-key': 'no-value' } },
  'plain-string-matching': { pattern: ['plain text'], matching: 'plain text', other: 'another text' },
  // A text fits no filter for members of a document, and a document none for texts.
  'plain-string-filter': { pattern: ['plain text'], matching: 'plain text', other: { 'my-key': 'plain text' } },
};

const GROUP = 'TestSQSEventSourceMapping';
const filters = Object.entries(FILTERS).map(([name, of]): [string, Scenario] => [
  `${GROUP}::test_sqs_event_filter[${name}]`,
  filtering(of),
]);

function batchSize(BatchSize: number): Scenario {
  return async (r) => {
    const { source, destination, made } = await echoed(r, { BatchSize, MaximumBatchingWindowInSeconds: 5 });
    r.check('create-event-source-mapping-response', made);
    const entries = (count: number, of: number): { Id: string; MessageBody: string }[] =>
      Array.from({ length: count }, (_, i) => ({ Id: `${i}-${of}`, MessageBody: `${i}-${of}-message-${i}` }));
    r.check('send-message-batch-result-10', await sendBatch(r, source, entries(10, 0)));
    r.check('send-message-batch-result-5', await sendBatch(r, source, entries(5, 1)));
    const { Records } = await eventFrom(r, destination);
    r.check(
      'Records',
      Records.toSorted((a, b) => (a.body < b.body ? -1 : 1)),
    );
  };
}

const mappings: Record<string, Scenario> = {
  async test_sqs_event_source_mapping(r) {
    const { source, destination, made } = await echoed(r, { MaximumBatchingWindowInSeconds: 1 });
    r.check('create-event-source-mapping-response', made);
    await send(r, source, '{"foo": "bar"}');
    r.check('events', [await eventFrom(r, destination)]);
  },
  async test_sqs_event_source_mapping_update(r) {
    const code = `${TELLING}
exports.handler = async (event, context) => {
  await tell(process.env.DESTINATION, { function_version: context.functionVersion, CUSTOM_VAR: process.env.CUSTOM_VAR, event });
};`;
    const [source, destination] = [await makeQueue(r), await makeQueue(r)];
    const versioned = (CUSTOM_VAR: string): Params => variables({ DESTINATION: destination.url, CUSTOM_VAR });
    const FunctionName = await r.node(code, versioned('a'));
    const first = await r.call('PublishVersion', { FunctionName });
    await r.call('UpdateFunctionConfiguration', { FunctionName, ...versioned('b') });
    const second = await r.call('PublishVersion', { FunctionName });
    const params = { FunctionName: first['FunctionArn'], EventSourceArn: source.arn, MaximumBatchingWindowInSeconds: 1 };
    const { made, uuid } = await mapped(r, params);
    r.check('create-event-source-mapping-response', made);
    await send(r, source, '{"foo": "bar"}');
    const before = await eventFrom(r, destination);
    r.check('events', [before]);
    await r.checkCall('updated_esm', 'UpdateEventSourceMapping', { UUID: uuid, FunctionName: second['FunctionArn'] });
    await r.checkCall('updated_event_source_mapping', 'GetEventSourceMapping', { UUID: uuid });
    await send(r, source, '{"foo": "bar2"}');
    r.check('events_postupdate', [before, await eventFrom(r, destination)]);
  },
  /** Nothing was recorded but that a hundred messages come in batches of at most so many, none twice. */
  async 'test_sqs_event_source_mapping_batching_behaviour[100]'(r) {
    const { source, destination } = await echoed(r, { BatchSize: 100, MaximumBatchingWindowInSeconds: 5 });
    for (let of = 0; of < 10; of++)
      await sendBatch(
        r,
        source,
        Array.from({ length: 10 }, (_, i) => ({ Id: `${i}`, MessageBody: `${of}-${i}` })),
      );
    const seen: string[] = [];
    while (seen.length < 100) seen.push(...(await eventFrom(r, destination)).Records.map((record) => record.body));
    if (new Set(seen).size !== 100 || seen.length !== 100)
      r.differences.push(`${seen.length} messages came, ${new Set(seen).size} different`);
  },
};

/** What of the recordings needs a queue that invokes a function. */
export const QUEUE_SCENARIOS: Readonly<Record<string, Scenario>> = {
  ...retries,
  ...reports,
  ...Object.fromEntries(filters),
  ...Object.fromEntries(Object.entries(mappings).map(([name, scenario]) => [`${GROUP}::${name}`, scenario])),
  ...Object.fromEntries(
    [100, 1_000, 10_000].map((size) => [`${GROUP}::test_sqs_event_source_mapping_batch_size[${size}]`, batchSize(size)]),
  ),
};
