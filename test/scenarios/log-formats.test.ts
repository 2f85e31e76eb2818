import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { CloudWatchLogsClient, DescribeLogGroupsCommand, FilterLogEventsCommand } from '@aws-sdk/client-cloudwatch-logs';
import {
  CreateFunctionCommand,
  GetFunctionConfigurationCommand,
  InvokeCommand,
  LambdaClient,
  UpdateFunctionConfigurationCommand,
  waitUntilFunctionUpdatedV2,
  type LoggingConfig,
  type Runtime,
} from '@aws-sdk/client-lambda';
import type { LogLine } from '../../src/client/answers.ts';
import { zipOf } from '../../src/control/testing/plane.ts';
import { languages, TestServer } from './platform-server.ts';
import { until } from './until.ts';
import { clientOptions } from './server-credentials.ts';

const NODE = `
console.log('from init');
exports.handler = async (event) => {
  if (event.fails) throw new TypeError('no\\nway');
  console.debug('quiet');
  console.log('two words', { a: 1 });
  console.info({ user: 7, nested: { ok: true } });
  console.warn('careful');
  console.error('it failed:', new RangeError('too far'));
  console.error(new RangeError('alone'));
  const circle = {}; circle.self = circle;
  console.log(circle);
  console.fatal('the end');
  process.stdout.write('plain\\n');
  return process.env.AWS_LAMBDA_LOG_FORMAT + ' ' + process.env.AWS_LAMBDA_LOG_LEVEL;
};`;

const PYTHON = `
import logging, os
logger = logging.getLogger()
own = logging.getLogger("own.part")
def handler(event, context):
    if event.get("fails"):
        raise KeyError("gone")
    logger.debug("quiet")
    logger.info("two %s", "words", extra={"user": 7})
    own.warning("careful")
    try:
        1 / 0
    except ZeroDivisionError:
        logger.exception("it failed")
    print("plain")
    return "%s %s" % (os.environ.get("AWS_LAMBDA_LOG_FORMAT"), os.environ.get("AWS_LAMBDA_LOG_LEVEL"))
`;

type Line = Readonly<Record<string, unknown>>;

let server: TestServer;
let lambda: LambdaClient;
let logs: CloudWatchLogsClient;
const [node, python] = await languages();

before(async () => {
  server = await TestServer.start();
  const client = clientOptions(server);
  lambda = new LambdaClient(client);
  logs = new CloudWatchLogsClient(client);
});
after(async () => {
  lambda.destroy();
  logs.destroy();
  assert.deepEqual(await server.end(), []);
});

async function create(FunctionName: string, language: 'node' | 'python', LoggingConfig?: LoggingConfig): Promise<void> {
  const files: Record<string, string> = language === 'node' ? { 'index.js': NODE } : { 'index.py': PYTHON };
  await lambda.send(
    new CreateFunctionCommand({
      FunctionName,
      Runtime: (language === 'node' ? node : python)?.runtime as Runtime,
      Handler: 'index.handler',
      Role: 'arn:aws:iam::000000000000:role/r',
      Code: { ZipFile: await zipOf(files) },
      LoggingConfig,
    }),
  );
}

async function logOf(name: string): Promise<LogLine[]> {
  const lines: LogLine[] = [];
  for await (const line of server.client.logs({ functionName: name })) lines.push(line);
  return lines;
}

/** Invokes and gives what it answered and the lines it wrote, once the last of them (which `ended` knows) is there. */
async function invoke(
  name: string,
  event: object,
  ended: (line: string) => boolean,
): Promise<{ answer: unknown; lines: string[]; requestId: string }> {
  const { Payload, $metadata } = await lambda.send(new InvokeCommand({ FunctionName: name, Payload: Buffer.from(JSON.stringify(event)) }));
  const requestId = $metadata.requestId ?? '';
  const lines = await until(async () => {
    const own = (await logOf(name)).filter((l) => l.requestId === requestId).map((l) => l.text);
    return own.some(ended) ? own : null;
  });
  return { answer: JSON.parse(Buffer.from(Payload ?? []).toString()), lines, requestId };
}

const reported = (line: string): boolean => line.startsWith('REPORT') || line.includes('"platform.report"');
const parsed = (lines: readonly string[]): Line[] => lines.filter((l) => l.startsWith('{')).map((l) => JSON.parse(l) as Line);
const ofApplication = (lines: readonly string[]): Line[] => parsed(lines).filter((l) => l['type'] === undefined);

describe('Node.js', () => {
  test('JSON: one object a line, with what it is about', async () => {
    await create('node-json', 'node', { LogFormat: 'JSON', ApplicationLogLevel: 'TRACE', SystemLogLevel: 'DEBUG' });
    const { answer, lines, requestId } = await invoke('node-json', {}, reported);
    assert.equal(answer, 'JSON TRACE');
    assert.deepEqual(
      parsed(lines)
        .map((l) => l['type'])
        .filter((type) => type !== undefined),
      ['platform.start', 'platform.runtimeDone', 'platform.report'],
    );
    const own = ofApplication(lines);
    for (const line of own) {
      assert.match(String(line['timestamp']), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
      assert.equal(line['requestId'], requestId);
    }
    const short = own.map(({ level, message }) => [level, message]);
    assert.deepEqual(short.slice(0, 4), [
      ['DEBUG', 'quiet'],
      ['INFO', 'two words { a: 1 }'],
      ['INFO', { user: 7, nested: { ok: true } }],
      ['WARN', 'careful'],
    ]);
    const { errorType, errorMessage, stackTrace } = own[4] ?? {};
    assert.deepEqual([errorType, errorMessage, Array.isArray(stackTrace)], ['RangeError', 'too far', true]);
    const alone = own[5]?.['message'] as Line;
    assert.deepEqual([own[5]?.['level'], alone['errorType'], alone['errorMessage']], ['ERROR', 'RangeError', 'alone']);
    assert.match(String(own[6]?.['message']), /\[Circular/);
    assert.deepEqual(short[7], ['FATAL', 'the end']);
    assert.ok(lines.includes('plain'));
    const init = (await logOf('node-json')).find((l) => l.text.includes('from init'));
    assert.equal((JSON.parse(init?.text ?? '{}') as Line)['level'], 'INFO');
  });

  test('JSON: levels leave out what is less severe; a throw is described', async () => {
    await create('node-warn', 'node', { LogFormat: 'JSON', ApplicationLogLevel: 'WARN', SystemLogLevel: 'WARN' });
    const { lines } = await invoke('node-warn', {}, (l) => l === 'plain');
    assert.deepEqual(
      ofApplication(lines).map((l) => l['level']),
      ['WARN', 'ERROR', 'ERROR', 'FATAL'],
    );
    const failed = await invoke('node-warn', { fails: true }, reported);
    const [line] = ofApplication(failed.lines);
    assert.deepEqual([line?.['level'], line?.['errorType'], line?.['errorMessage']], ['ERROR', 'TypeError', 'no\nway']);
    const report = parsed(failed.lines).at(-1)?.['record'] as Line;
    assert.deepEqual([report['requestId'], report['status']], [failed.requestId, 'error']);
    assert.equal(
      parsed(failed.lines).some((l) => l['type'] === 'platform.start'),
      false,
    );
  });

  test('text: as ever', async () => {
    await create('node-text', 'node');
    const { answer, lines, requestId } = await invoke('node-text', {}, reported);
    assert.equal(answer, 'undefined undefined');
    assert.equal(lines[0], `START RequestId: ${requestId} Version: $LATEST`);
    assert.match(lines[1] ?? '', new RegExp(`^\\S+Z\\t${requestId}\\tDEBUG\\tquiet$`));
  });
});

describe('Python', { skip: python?.skip ?? false }, () => {
  test('JSON: one object a line; print is left alone', async () => {
    await create('python-json', 'python', { LogFormat: 'JSON' });
    const { answer, lines, requestId } = await invoke('python-json', {}, reported);
    assert.equal(answer, 'JSON INFO');
    const own = ofApplication(lines);
    assert.deepEqual(
      own.map((l) => [l['level'], l['message'], l['logger']]),
      [
        ['INFO', 'two words', 'root'],
        ['WARNING', 'careful', 'own.part'],
        ['ERROR', 'it failed', 'root'],
      ],
    );
    assert.ok(own.every((l) => l['requestId'] === requestId && /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/.test(String(l['timestamp']))));
    assert.equal(own[0]?.['user'], 7);
    const { errorType, errorMessage, location, stackTrace } = own[2] ?? {};
    assert.deepEqual([errorType, errorMessage, Array.isArray(stackTrace)], ['ZeroDivisionError', 'division by zero', true]);
    assert.match(String(location), /index\.py:handler:\d+$/);
    assert.ok(lines.includes('plain'));
    const failed = await invoke('python-json', { fails: true }, reported);
    const [line] = ofApplication(failed.lines);
    assert.deepEqual(
      [line?.['log_level'], line?.['errorType'], line?.['errorMessage'], line?.['requestId']],
      ['ERROR', 'KeyError', "'gone'", failed.requestId],
    );
  });

  test('text: level, time and request id', async () => {
    await create('python-text', 'python');
    const { lines, requestId } = await invoke('python-text', {}, reported);
    assert.match(lines[1] ?? '', new RegExp(`^\\[WARNING\\]\\t\\d{4}-\\S+\\.\\d{3}Z\\t${requestId}\\tcareful$`));
  });
});

describe('LoggingConfig', () => {
  const configuration = async (FunctionName: string) =>
    (await lambda.send(new GetFunctionConfigurationCommand({ FunctionName }))).LoggingConfig;
  const update = async (FunctionName: string, LoggingConfig: LoggingConfig): Promise<void> => {
    await lambda.send(new UpdateFunctionConfigurationCommand({ FunctionName, LoggingConfig }));
    await waitUntilFunctionUpdatedV2({ client: lambda, maxWaitTime: 60, minDelay: 1 }, { FunctionName });
  };

  test('is given back, changed in part, and refused where it contradicts itself', async () => {
    await create('configured', 'node');
    assert.deepEqual(await configuration('configured'), { LogFormat: 'Text', LogGroup: '/aws/lambda/configured' });
    await update('configured', { LogFormat: 'JSON', SystemLogLevel: 'WARN' });
    assert.deepEqual(await configuration('configured'), {
      LogFormat: 'JSON',
      ApplicationLogLevel: 'INFO',
      SystemLogLevel: 'WARN',
      LogGroup: '/aws/lambda/configured',
    });
    await update('configured', { ApplicationLogLevel: 'ERROR' });
    assert.equal((await configuration('configured'))?.ApplicationLogLevel, 'ERROR');
    await update('configured', { LogFormat: 'Text', LogGroup: 'of/all' });
    assert.deepEqual(await configuration('configured'), { LogFormat: 'Text', LogGroup: 'of/all' });
    await assert.rejects(update('configured', { ApplicationLogLevel: 'ERROR' }), { name: 'InvalidParameterValueException' });
  });

  test('functions of one group are found in it, streams named after them', async () => {
    await create('one', 'node', { LogFormat: 'JSON', LogGroup: 'shared/group' });
    await create('two', 'node', { LogGroup: 'shared/group' });
    await invoke('one', {}, reported);
    await invoke('two', {}, reported);
    const { logGroups = [] } = await logs.send(new DescribeLogGroupsCommand({ logGroupNamePrefix: 'shared/' }));
    assert.deepEqual(
      logGroups.map((g) => g.logGroupName),
      ['shared/group'],
    );
    const found = await logs.send(new FilterLogEventsCommand({ logGroupName: 'shared/group', filterPattern: 'careful' }));
    const streams = found.events?.map((e) => e.logStreamName?.replace(/^\d{4}\/\d\d\/\d\d\//, '').replace(/[0-9a-f]{32}$/, ''));
    assert.deepEqual(streams, ['one[$LATEST]', 'two[$LATEST]']);
    const errors = await logs.send(
      new FilterLogEventsCommand({ logGroupName: 'shared/group', filterPattern: '{ $.level = "ERROR" && $.errorType = "RangeError" }' }),
    );
    assert.equal(errors.events?.length, 1);
  });

  test('in hearth.yaml', async () => {
    const manifest = {
      runtime: node?.runtime,
      handler: 'index.handler',
      logging: { format: 'json', level: 'error', systemLevel: 'debug', group: 'g' },
    };
    await server.deploy('from-file', 'node-echo', manifest);
    assert.deepEqual(await configuration('from-file'), {
      LogFormat: 'JSON',
      ApplicationLogLevel: 'ERROR',
      SystemLogLevel: 'DEBUG',
      LogGroup: 'g',
    });
    assert.equal((await server.deploy('from-file', 'node-echo', manifest)).unchanged, true);
    await assert.rejects(
      server.deploy('from-file', 'node-echo', { ...manifest, logging: { level: 'error' } }),
      /level and systemLevel need format: json/,
    );
    await server.deploy('from-file', 'node-echo', { ...manifest, logging: undefined });
    assert.equal((await configuration('from-file'))?.LogFormat, 'Text');
  });
});
