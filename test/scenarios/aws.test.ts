import assert from 'node:assert/strict';
import { execFile, execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import {
  CreateFunctionCommand,
  DeleteFunctionCommand,
  GetFunctionCommand,
  InvokeCommand,
  LambdaClient,
  ListFunctionsCommand,
  PutFunctionConcurrencyCommand,
  RequestTooLargeException,
  ResourceConflictException,
  ResourceNotFoundException,
  TooManyRequestsException,
  UpdateFunctionCodeCommand,
  UpdateFunctionConfigurationCommand,
  waitUntilFunctionActiveV2,
  waitUntilFunctionUpdatedV2,
} from '@aws-sdk/client-lambda';
import { zipOf } from '../../src/control/testing/plane.ts';
import { descendants } from './leavings.ts';
import { TestServer } from './platform-server.ts';
import { clientOptions, toolCredentials } from './server-credentials.ts';

const NODE = `nodejs${process.versions.node.split('.')[0]}.x`;
const ROLE = 'arn:aws:iam::000000000000:role/r';
const FIRST = `exports.handler = async (event) => { console.log('seen', event.a); return { got: event, region: process.env.AWS_REGION, word: process.env.WORD ?? null }; };`;
const SECOND = `exports.handler = async () => 'second';`;
const THROWS = `exports.handler = async () => { throw new RangeError('no'); };`;

let server: TestServer;
let client: LambdaClient;
let work: string;

before(async () => {
  server = await TestServer.start();
  work = mkdtempSync(join(tmpdir(), 'hearth-aws-'));
  client = new LambdaClient(clientOptions(server));
});

after(async () => {
  client.destroy();
  rmSync(work, { recursive: true, force: true });
  assert.deepEqual(await server.end(), []);
  assert.deepEqual(
    descendants(process.pid).filter((p) => p.state !== 'Z'),
    [],
  );
});

const json = (value: unknown): Uint8Array => Buffer.from(JSON.stringify(value));
const parsed = (payload: Uint8Array | undefined): unknown => JSON.parse(Buffer.from(payload ?? []).toString());

/** The environment of a tool: nothing of this machine's own AWS configuration. */
function toolEnvironment(): Record<string, string> {
  return {
    PATH: process.env['PATH'] ?? '',
    HOME: work,
    ...toolCredentials(server),
    AWS_MAX_ATTEMPTS: '1',
    AWS_PAGER: '',
  };
}

function missing(program: string, args: readonly string[]): string | false {
  try {
    execFileSync(program, args, { stdio: 'ignore' });
    return false;
  } catch {
    return `${program} ${args.join(' ')} does not run here`;
  }
}

describe('@aws-sdk/client-lambda', () => {
  test('create, get, invoke, update, list, delete', async () => {
    const FunctionName = 'sdk';
    const created = await client.send(
      new CreateFunctionCommand({
        FunctionName,
        Runtime: NODE as 'nodejs20.x',
        Handler: 'index.handler',
        Role: ROLE,
        Code: { ZipFile: await zipOf({ 'index.js': FIRST }) },
        Timeout: 5,
      }),
    );
    assert.equal(created.$metadata.httpStatusCode, 201);
    assert.equal(created.FunctionArn, 'arn:aws:lambda:us-east-1:000000000000:function:sdk');
    await waitUntilFunctionActiveV2({ client, maxWaitTime: 30 }, { FunctionName });

    const { Configuration, Code } = await client.send(new GetFunctionCommand({ FunctionName }));
    assert.equal(Configuration?.CodeSha256, created.CodeSha256);
    const zip = await fetch(Code?.Location ?? '');
    assert.equal(zip.status, 200);
    assert.equal(Buffer.from(await zip.arrayBuffer()).toString('latin1', 0, 2), 'PK');

    const invoked = await client.send(new InvokeCommand({ FunctionName, Payload: json({ a: 'ä' }), LogType: 'Tail' }));
    assert.equal(invoked.StatusCode, 200);
    assert.equal(invoked.ExecutedVersion, '$LATEST');
    assert.equal(invoked.FunctionError, undefined);
    assert.deepEqual(parsed(invoked.Payload), { got: { a: 'ä' }, region: 'us-east-1', word: null });
    const log = Buffer.from(invoked.LogResult ?? '', 'base64').toString();
    const id = invoked.$metadata.requestId;
    assert.match(
      log,
      new RegExp(`^START RequestId: ${id} Version: \\$LATEST\\n[^\\n]*\\tseen ä\\nEND RequestId: ${id}\\nREPORT RequestId: ${id}\\t`),
    );

    const dry = await client.send(new InvokeCommand({ FunctionName, InvocationType: 'DryRun' }));
    assert.equal(dry.StatusCode, 204);
    const empty = await client.send(new InvokeCommand({ FunctionName }));
    assert.deepEqual(parsed(empty.Payload), { got: {}, region: 'us-east-1', word: null });
    const byArn = await client.send(new InvokeCommand({ FunctionName: created.FunctionArn, Payload: json(1) }));
    assert.equal((parsed(byArn.Payload) as { got: unknown }).got, 1);

    await client.send(
      new UpdateFunctionConfigurationCommand({ FunctionName, Environment: { Variables: { WORD: 'new' } }, MemorySize: 256 }),
    );
    await waitUntilFunctionUpdatedV2({ client, maxWaitTime: 30 }, { FunctionName });
    const configured = await client.send(new InvokeCommand({ FunctionName, Payload: json({}), LogType: 'Tail' }));
    assert.equal((parsed(configured.Payload) as { word: unknown }).word, 'new');
    assert.match(Buffer.from(configured.LogResult ?? '', 'base64').toString(), /Memory Size: 256 MB/);

    const updated = await client.send(new UpdateFunctionCodeCommand({ FunctionName, ZipFile: await zipOf({ 'index.js': SECOND }) }));
    assert.notEqual(updated.CodeSha256, created.CodeSha256);
    assert.notEqual(updated.RevisionId, created.RevisionId);
    await waitUntilFunctionUpdatedV2({ client, maxWaitTime: 30 }, { FunctionName });
    assert.equal(parsed((await client.send(new InvokeCommand({ FunctionName }))).Payload), 'second');

    const { Functions } = await client.send(new ListFunctionsCommand({}));
    assert.ok(Functions?.some((f) => f.FunctionName === FunctionName && f.MemorySize === 256));
    const deleted = await client.send(new DeleteFunctionCommand({ FunctionName }));
    assert.ok([200, 204].includes(deleted.$metadata.httpStatusCode ?? 0));
    await assert.rejects(client.send(new InvokeCommand({ FunctionName })), ResourceNotFoundException);
  });

  test('errors are the SDK’s own classes, with Lambda’s texts', async () => {
    const FunctionName = 'sdk-errors';
    const create = async () =>
      client.send(
        new CreateFunctionCommand({
          FunctionName,
          Runtime: NODE as 'nodejs20.x',
          Handler: 'index.handler',
          Role: ROLE,
          Code: { ZipFile: await zipOf({ 'index.js': THROWS }) },
        }),
      );
    await create();
    await assert.rejects(create(), (e: unknown) => {
      assert.ok(e instanceof ResourceConflictException);
      assert.equal(e.message, `Function already exist: ${FunctionName}`);
      assert.equal(e.Type, 'User');
      return true;
    });
    const thrown = await client.send(new InvokeCommand({ FunctionName }));
    assert.equal(thrown.FunctionError, 'Unhandled');
    assert.equal((parsed(thrown.Payload) as { errorType: string }).errorType, 'RangeError');
    await assert.rejects(client.send(new GetFunctionCommand({ FunctionName: 'nobody' })), (e: unknown) => {
      assert.ok(e instanceof ResourceNotFoundException);
      assert.equal(e.message, 'Function not found: arn:aws:lambda:us-east-1:000000000000:function:nobody');
      return true;
    });
    await client.send(new PutFunctionConcurrencyCommand({ FunctionName, ReservedConcurrentExecutions: 0 }));
    await assert.rejects(client.send(new InvokeCommand({ FunctionName })), (e: unknown) => {
      assert.ok(e instanceof TooManyRequestsException);
      assert.equal(e.Reason, 'ReservedFunctionConcurrentInvocationLimitExceeded');
      assert.equal(e.message, 'Rate Exceeded.');
      return true;
    });
    await assert.rejects(
      client.send(new InvokeCommand({ FunctionName, Payload: Buffer.alloc(6 * 1024 * 1024 + 1, 32) })),
      RequestTooLargeException,
    );
    await client.send(new DeleteFunctionCommand({ FunctionName }));
  });
});

describe('the aws command line', { skip: missing('aws', ['--version']) }, () => {
  interface Ran {
    readonly code: number;
    readonly stdout: string;
    readonly stderr: string;
  }

  function aws(...args: readonly string[]): Promise<Ran> {
    const all = ['lambda', ...args, '--endpoint-url', server.endpoint, '--output', 'json'];
    return new Promise((resolve) => {
      execFile('aws', all, { env: toolEnvironment(), cwd: work }, (error, stdout, stderr) =>
        resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr }),
      );
    });
  }

  test('create, invoke, update, list, delete', async () => {
    writeFileSync(join(work, 'one.zip'), await zipOf({ 'index.js': FIRST }));
    writeFileSync(join(work, 'two.zip'), await zipOf({ 'index.js': SECOND }));
    const name = ['--function-name', 'tool'];
    const created = await aws(
      'create-function',
      ...name,
      '--runtime',
      NODE,
      '--handler',
      'index.handler',
      '--role',
      ROLE,
      '--zip-file',
      'fileb://one.zip',
    );
    assert.equal(created.code, 0, created.stderr);
    assert.equal((JSON.parse(created.stdout) as { FunctionName: string }).FunctionName, 'tool');
    assert.equal((await aws('wait', 'function-active-v2', ...name)).code, 0);

    writeFileSync(join(work, 'event.json'), '{"a": 5}');
    const invoked = await aws('invoke', ...name, '--payload', 'file://event.json', '--log-type', 'Tail', 'out.json');
    assert.equal(invoked.code, 0, invoked.stderr);
    const said = JSON.parse(invoked.stdout) as { StatusCode: number; ExecutedVersion: string; LogResult: string };
    assert.deepEqual([said.StatusCode, said.ExecutedVersion], [200, '$LATEST']);
    assert.match(Buffer.from(said.LogResult, 'base64').toString(), /\tseen 5\n/);
    assert.deepEqual((JSON.parse(readFileSync(join(work, 'out.json'), 'utf8')) as { got: unknown }).got, { a: 5 });

    const updated = await aws('update-function-code', ...name, '--zip-file', 'fileb://two.zip');
    assert.equal(updated.code, 0, updated.stderr);
    const configured = await aws('update-function-configuration', ...name, '--timeout', '7', '--environment', 'Variables={AB=c}');
    assert.equal(configured.code, 0, configured.stderr);
    assert.equal((await aws('invoke', ...name, 'out.json')).code, 0);
    assert.equal(readFileSync(join(work, 'out.json'), 'utf8'), '"second"');
    const listed = JSON.parse((await aws('list-functions')).stdout) as { Functions: { FunctionName: string; Timeout: number }[] };
    assert.ok(listed.Functions.some((f) => f.FunctionName === 'tool' && f.Timeout === 7));
    const got = JSON.parse((await aws('get-function', ...name)).stdout) as { Configuration: { State: string } };
    assert.equal(got.Configuration.State, 'Active');
    assert.equal((await aws('delete-function', ...name)).code, 0);
    const gone = await aws('invoke', ...name, 'out.json');
    assert.notEqual(gone.code, 0);
    assert.match(gone.stderr, /ResourceNotFoundException.*Function not found: arn:aws:lambda:us-east-1:000000000000:function:tool/);
  });
});

describe('boto3', { skip: missing('python3', ['-c', 'import boto3']) }, () => {
  const SCRIPT = `
import base64, io, json, sys, zipfile
import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

endpoint, runtime = sys.argv[1:]
client = boto3.client("lambda", endpoint_url=endpoint, config=Config(retries={"max_attempts": 0}))

def zipped(code):
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        archive.writestr("index.js", code)
    return data.getvalue()

def code_of(call):
    try:
        call()
    except ClientError as error:
        return error.response["Error"]["Code"], error.response["ResponseMetadata"]["HTTPStatusCode"]
    return None

result = {}
name = "boto"
create = lambda: client.create_function(FunctionName=name, Runtime=runtime, Handler="index.handler", Role="arn:aws:iam::000000000000:role/r", Code={"ZipFile": zipped("exports.handler = async (e) => { console.log('line'); return e; };")})
result["created"] = create()["State"]
client.get_waiter("function_active_v2").wait(FunctionName=name)
result["conflict"] = code_of(create)
answer = client.invoke(FunctionName=name, Payload=json.dumps({"a": [1, None, "\\u00e4"]}), LogType="Tail")
result["payload"] = json.load(answer["Payload"])
result["log"] = base64.b64decode(answer["LogResult"]).decode()
result["status"] = answer["StatusCode"]
result["dry"] = client.invoke(FunctionName=name, InvocationType="DryRun")["StatusCode"]
client.update_function_code(FunctionName=name, ZipFile=zipped("exports.handler = async () => { throw new TypeError('bad'); };"))
client.get_waiter("function_updated_v2").wait(FunctionName=name)
answer = client.invoke(FunctionName=name)
result["error"] = [answer["FunctionError"], json.load(answer["Payload"])["errorMessage"]]
result["updated"] = client.update_function_configuration(FunctionName=name, Description="words")["Description"]
result["listed"] = [f["FunctionName"] for page in client.get_paginator("list_functions").paginate() for f in page["Functions"]]
client.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=0)
result["throttled"] = code_of(lambda: client.invoke(FunctionName=name))
client.delete_function(FunctionName=name)
result["gone"] = code_of(lambda: client.get_function(FunctionName=name))
print(json.dumps(result))
`;

  test('create, invoke, update, list, delete, and its errors', async () => {
    const stdout = await new Promise<string>((resolve, reject) => {
      execFile('python3', ['-c', SCRIPT, server.endpoint, NODE], { env: toolEnvironment(), cwd: work }, (error, out, err) =>
        error === null ? resolve(out) : reject(new Error(err)),
      );
    });
    const result = JSON.parse(stdout) as Record<string, unknown> & { log: string; listed: string[] };
    assert.ok(['Pending', 'Active'].includes(String(result['created'])));
    assert.deepEqual(result['conflict'], ['ResourceConflictException', 409]);
    assert.deepEqual(result['payload'], { a: [1, null, 'ä'] });
    assert.match(result.log, /^START RequestId: [^]*\tline\nEND RequestId: [^]*REPORT /);
    assert.deepEqual([result['status'], result['dry']], [200, 204]);
    assert.deepEqual(result['error'], ['Unhandled', 'bad']);
    assert.equal(result['updated'], 'words');
    assert.ok(result.listed.includes('boto'));
    assert.deepEqual(result['throttled'], ['TooManyRequestsException', 429]);
    assert.deepEqual(result['gone'], ['ResourceNotFoundException', 404]);
  });
});
