import assert from 'node:assert/strict';
import { execFile, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { promisify } from 'node:util';
import { readLocalKey } from '../../src/auth/local-key.ts';
import { zipOf } from '../../src/control/testing/plane.ts';
import { TestServer } from './platform-server.ts';

const NODE = `nodejs${process.versions.node.split('.')[0]}.x`;
const ROLE = 'arn:aws:iam::000000000000:role/r';
const CODE = (version: number): string =>
  `exports.handler = async (event, context) => { console.log('seen', event.a); if (event.fail) throw new RangeError(event.fail); return { got: event, code: ${version}, version: context.functionVersion }; };`;

/** Debian's package is version 2; what pip installs is version 1, which other tests use. */
const program = ['aws', '/usr/bin/aws', '/usr/local/bin/aws'].find((path) =>
  String(spawnSync(path, ['--version']).stdout ?? '').startsWith('aws-cli/2'),
);
const skip = program === undefined ? 'version 2 of the aws command line is not installed (on Debian: apt-get install awscli)' : false;

describe('version 2 of the aws command line', { skip }, () => {
  let server: TestServer;
  let work: string;
  let env: Record<string, string | undefined>;
  before(async () => {
    server = await TestServer.start();
    work = mkdtempSync(join(tmpdir(), 'hearth-cli-'));
    const key = readLocalKey(server.home);
    assert.ok(key !== null);
    env = {
      PATH: process.env['PATH'],
      HOME: work,
      AWS_ACCESS_KEY_ID: key.id,
      AWS_SECRET_ACCESS_KEY: key.secret,
      AWS_DEFAULT_REGION: 'us-east-1',
      AWS_PAGER: '',
      AWS_EC2_METADATA_DISABLED: 'true',
    };
    writeFileSync(join(work, 'one.zip'), await zipOf({ 'index.js': CODE(1) }));
    writeFileSync(join(work, 'two.zip'), await zipOf({ 'index.js': CODE(2) }));
    writeFileSync(join(work, 'layer.zip'), await zipOf({ 'nodejs/node_modules/layered/index.js': 'module.exports = 1;' }));
  });
  after(async () => {
    rmSync(work, { recursive: true, force: true });
    assert.deepEqual(await server.end(), []);
  });

  async function aws<T = Record<string, any>>(command: string, ...args: readonly string[]): Promise<T> {
    const all = [...command.split(' '), ...args, '--endpoint-url', server.endpoint, '--output', 'json'];
    const { stdout } = await promisify(execFile)(program ?? 'aws', all, { env, cwd: work, maxBuffer: 16 << 20 });
    return (stdout.trim() === '' ? {} : JSON.parse(stdout)) as T;
  }
  const said = (): unknown => JSON.parse(readFileSync(join(work, 'out.json'), 'utf8'));
  const name = ['--function-name', 'tool'];
  const raw = ['--cli-binary-format', 'raw-in-base64-out'];

  test('the whole life of a function', async () => {
    const code = ['--zip-file', 'fileb://one.zip', '--handler', 'index.handler', '--role', ROLE, '--runtime', NODE];
    const { LayerVersionArn } = await aws('lambda publish-layer-version', '--layer-name', 'tool-layer', '--zip-file', 'fileb://layer.zip');
    const created = await aws(
      'lambda create-function',
      ...name,
      ...code,
      '--layers',
      LayerVersionArn,
      '--tags',
      'team=a',
      '--timeout',
      '9',
    );
    assert.deepEqual([created['FunctionName'], created['Timeout'], created['Layers'][0].Arn], ['tool', 9, LayerVersionArn]);
    await aws('lambda wait function-active-v2', ...name);

    const invoked = await aws('lambda invoke', ...name, ...raw, '--payload', '{"a": 5}', '--log-type', 'Tail', 'out.json');
    assert.deepEqual([invoked['StatusCode'], invoked['ExecutedVersion']], [200, '$LATEST']);
    assert.match(Buffer.from(String(invoked['LogResult']), 'base64').toString(), /\tseen 5\n/);
    assert.deepEqual(said(), { got: { a: 5 }, code: 1, version: '$LATEST' });
    // Without that format the payload is base64, as version 2 has it.
    await aws('lambda invoke', ...name, '--payload', Buffer.from('{"a":6}').toString('base64'), 'out.json');
    assert.deepEqual((said() as { got: unknown }).got, { a: 6 });
    const failed = await aws('lambda invoke', ...name, ...raw, '--payload', '{"fail":"on purpose"}', 'out.json');
    assert.equal(failed['FunctionError'], 'Unhandled');
    assert.deepEqual([(said() as any).errorType, (said() as any).errorMessage], ['RangeError', 'on purpose']);
    assert.equal((await aws('lambda invoke', ...name, '--invocation-type', 'Event', 'out.json'))['StatusCode'], 202);
    assert.equal((await aws('lambda invoke', ...name, '--invocation-type', 'DryRun', 'out.json'))['StatusCode'], 204);

    await aws('lambda publish-version', ...name);
    await aws('lambda update-function-code', ...name, '--zip-file', 'fileb://two.zip', '--publish');
    await aws('lambda wait function-updated-v2', ...name);
    const { Versions } = await aws('lambda list-versions-by-function', ...name, '--page-size', '1');
    assert.deepEqual(
      Versions.map((v: { Version: string }) => v.Version),
      ['$LATEST', '1', '2'],
    );
    await aws('lambda create-alias', ...name, '--name', 'live', '--function-version', '1');
    await aws('lambda update-alias', ...name, '--name', 'live', '--routing-config', 'AdditionalVersionWeights={2=1}');
    await aws('lambda invoke', '--function-name', 'tool:live', 'out.json');
    assert.deepEqual([(said() as any).code, (said() as any).version], [2, '2']);

    const { FunctionUrl } = await aws('lambda create-function-url-config', ...name, '--auth-type', 'NONE');
    assert.equal((await fetch(String(FunctionUrl))).status, 200);
    await aws('lambda put-function-concurrency', ...name, '--reserved-concurrent-executions', '1');
    assert.equal((await aws('lambda get-function-concurrency', ...name))['ReservedConcurrentExecutions'], 1);
    const permission = ['--statement-id', 's', '--action', 'lambda:InvokeFunction', '--principal', 's3.amazonaws.com'];
    await aws('lambda add-permission', ...name, ...permission);
    assert.match(String((await aws('lambda get-policy', ...name))['Policy']), /"Sid":"s"/);
    const configured = await aws(
      'lambda update-function-configuration',
      ...name,
      '--environment',
      'Variables={AB=c}',
      '--memory-size',
      '256',
    );
    assert.deepEqual([configured['Environment'].Variables, configured['MemorySize']], [{ AB: 'c' }, 256]);
    const listed = await aws<string[]>('lambda list-functions', '--query', 'Functions[].FunctionName');
    assert.deepEqual(listed, ['tool']);

    const logged = await aws('logs filter-log-events', '--log-group-name', '/aws/lambda/tool', '--filter-pattern', 'seen');
    assert.ok(logged['events'].some(({ message }: { message: string }) => message.includes('seen 5')));
    await aws('lambda delete-function', ...name);
    await assert.rejects(
      aws('lambda get-function', ...name),
      /ResourceNotFoundException.*Function not found: arn:aws:lambda:us-east-1:000000000000:function:tool/,
    );
  });

  test('what is around functions: a bucket, a queue, a rule, a schedule', async () => {
    writeFileSync(join(work, 'note.txt'), 'a note');
    await promisify(execFile)(program ?? 'aws', ['s3', 'mb', 's3://cli', '--endpoint-url', server.endpoint], { env, cwd: work });
    await promisify(execFile)(program ?? 'aws', ['s3', 'cp', 'note.txt', 's3://cli/in/note.txt', '--endpoint-url', server.endpoint], {
      env,
      cwd: work,
    });
    assert.equal((await aws('s3api head-object', '--bucket', 'cli', '--key', 'in/note.txt'))['ContentLength'], 6);
    const { QueueUrl } = await aws('sqs create-queue', '--queue-name', 'cli');
    const arn = 'arn:aws:sqs:us-east-1:000000000000:cli';
    await aws('events put-rule', '--name', 'cli', '--event-pattern', '{"source":["cli"]}');
    const put = await aws('events put-targets', '--rule', 'cli', '--targets', `Id=q,Arn=${arn}`);
    assert.equal(put['FailedEntryCount'], 0);
    await aws('events put-events', '--entries', JSON.stringify([{ Source: 'cli', DetailType: 't', Detail: '{"n":1}' }]));
    const { Messages } = await aws('sqs receive-message', '--queue-url', String(QueueUrl), '--wait-time-seconds', '20');
    assert.deepEqual(JSON.parse(Messages[0].Body).detail, { n: 1 });
    const schedule = ['--name', 'cli', '--schedule-expression', 'rate(1 day)', '--flexible-time-window', 'Mode=OFF'];
    await aws('scheduler create-schedule', ...schedule, '--target', JSON.stringify({ Arn: arn, RoleArn: ROLE }));
    assert.equal((await aws('scheduler get-schedule', '--name', 'cli'))['State'], 'ENABLED');
  });
});
