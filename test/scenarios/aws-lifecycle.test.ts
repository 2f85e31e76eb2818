import assert from 'node:assert/strict';
import { execFile, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { zipOf } from '../../src/control/testing/plane.ts';
import { TestServer } from './platform-server.ts';

/** The whole life of a function by AWS's own tools of Python, which read their requests and answers by AWS's model of the API. */

const NODE = `nodejs${process.versions.node.split('.')[0]}.x`;
const ROLE = 'arn:aws:iam::000000000000:role/r';
const HANDLER = `exports.handler = async (event, context) => {
  console.log('seen', event.n);
  const layer = require('node:fs').existsSync(require.resolve('from-layer')) ? require('from-layer') : null;
  return { n: event.n, version: context.functionVersion, custom: context.clientContext?.custom ?? null, layer };
};`;

let server: TestServer;
const work = mkdtempSync(join(tmpdir(), 'hearth-lifecycle-'));
before(async () => {
  server = await TestServer.start();
  writeFileSync(join(work, 'code.zip'), await zipOf({ 'index.js': HANDLER }));
  writeFileSync(join(work, 'other.zip'), await zipOf({ 'index.js': `${HANDLER}\n// other` }));
  writeFileSync(join(work, 'layer.zip'), await zipOf({ 'nodejs/node_modules/from-layer/index.js': "module.exports = 'layered';" }));
});
after(async () => {
  rmSync(work, { recursive: true, force: true });
  assert.deepEqual(await server.end(), []);
});

function missing(program: string, args: readonly string[]): string | false {
  return spawnSync(program, args).status === 0 ? false : `${program} ${args.join(' ')} does not work here`;
}

/** Runs a tool as its user does: the server's key in a credentials file, the endpoint in a variable. Rejects with what it said. */
function run(program: string, args: readonly string[]): Promise<string> {
  const env = {
    PATH: process.env['PATH'],
    HOME: work,
    AWS_SHARED_CREDENTIALS_FILE: join(server.home, 'credentials'),
    AWS_ENDPOINT_URL: server.endpoint,
    AWS_DEFAULT_REGION: 'us-east-1',
    AWS_MAX_ATTEMPTS: '1',
    AWS_PAGER: '',
    PYTHONWARNINGS: 'ignore',
  };
  return new Promise((resolve, reject) => {
    execFile(program, [...args], { env, cwd: work }, (error, stdout, stderr) =>
      error === null ? resolve(stdout) : reject(new Error(`${program} ${args.slice(0, 8).join(' ')}: ${stderr}`)),
    );
  });
}

const SCRIPT = `
import base64, json, sys, urllib.request
import boto3
from botocore.exceptions import ClientError

runtime, role = sys.argv[1:]
client = boto3.client("lambda")
read = lambda path: open(path, "rb").read()
result = {}

def code_of(call):
    try:
        call()
    except ClientError as error:
        return [error.response["Error"]["Code"], error.response["ResponseMetadata"]["HTTPStatusCode"]]

name = dict(FunctionName="life")
layer = client.publish_layer_version(LayerName="boto-layer", Content={"ZipFile": read("layer.zip")}, CompatibleRuntimes=[runtime])
made = client.create_function(**name, Runtime=runtime, Handler="index.handler", Role=role, Code={"ZipFile": read("code.zip")}, Timeout=10,
    Layers=[layer["LayerVersionArn"]], Tags={"team": "a"}, Environment={"Variables": {"WORD": "one"}}, Publish=True)
for waiter in ["function_exists", "function_active", "function_active_v2"]:
    client.get_waiter(waiter).wait(**name)
client.get_waiter("published_version_active").wait(**name, Qualifier="1")
result["made"] = [made["Version"], [l["Arn"] for l in made["Layers"]] == [layer["LayerVersionArn"]]]

context = base64.b64encode(json.dumps({"custom": {"k": "v"}}).encode()).decode()
answer = client.invoke(**name, Qualifier="1", Payload=b'{"n": 1}', LogType="Tail", ClientContext=context)
result["invoked"] = [answer["ExecutedVersion"], json.load(answer["Payload"])]
result["log"] = "\\tseen 1\\n" in base64.b64decode(answer["LogResult"]).decode()
result["event"] = client.invoke(**name, InvocationType="Event", Payload=b"{}")["StatusCode"]
result["dry"] = client.invoke(**name, InvocationType="DryRun")["StatusCode"]

stale = client.get_function_configuration(**name)["RevisionId"]
client.update_function_code(**name, ZipFile=read("other.zip"))
client.get_waiter("function_updated").wait(**name)
client.get_waiter("function_updated_v2").wait(**name)
result["locked"] = code_of(lambda: client.update_function_configuration(**name, Description="x", RevisionId=stale))
client.update_function_configuration(**name, Description="two", MemorySize=256)
second = client.publish_version(**name, Description="second")
result["again"] = client.publish_version(**name)["Version"] == second["Version"]
result["versions"] = [v["Version"] for page in client.get_paginator("list_versions_by_function").paginate(**name, PaginationConfig={"PageSize": 1}) for v in page["Versions"]]
client.create_alias(**name, Name="live", FunctionVersion="1", RoutingConfig={"AdditionalVersionWeights": {"2": 1.0}})
result["weights"] = client.get_alias(**name, Name="live")["RoutingConfig"]
result["routed"] = json.load(client.invoke(FunctionName="life:live", Payload=b'{"n": 2}')["Payload"])["version"]
client.update_alias(**name, Name="live", FunctionVersion="2", RoutingConfig={"AdditionalVersionWeights": {}})
result["aliases"] = [[a["Name"], a["FunctionVersion"]] for page in client.get_paginator("list_aliases").paginate(**name) for a in page["Aliases"]]

url = client.create_function_url_config(**name, AuthType="NONE", Cors={"AllowOrigins": ["https://example.com"], "MaxAge": 60})["FunctionUrl"]
client.add_permission(**name, StatementId="public", Action="lambda:InvokeFunctionUrl", Principal="*", FunctionUrlAuthType="NONE")
with urllib.request.urlopen(urllib.request.Request(url, headers={"Origin": "https://example.com"})) as response:
    result["url"] = [response.status, json.load(response)["version"], response.headers["Access-Control-Allow-Origin"]]
result["policy"] = [s["Sid"] for s in json.loads(client.get_policy(**name)["Policy"])["Statement"]]
client.remove_permission(**name, StatementId="public")
result["unpoliced"] = code_of(lambda: client.get_policy(**name))
client.update_function_url_config(**name, AuthType="AWS_IAM")
result["urls"] = [u["AuthType"] for page in client.get_paginator("list_function_url_configs").paginate(**name) for u in page["FunctionUrlConfigs"]]
client.delete_function_url_config(**name)

result["reserved"] = client.put_function_concurrency(**name, ReservedConcurrentExecutions=2)["ReservedConcurrentExecutions"]
client.put_provisioned_concurrency_config(**name, Qualifier="live", ProvisionedConcurrentExecutions=1)
result["provisioned"] = [c["RequestedProvisionedConcurrentExecutions"] for page in client.get_paginator("list_provisioned_concurrency_configs").paginate(**name) for c in page["ProvisionedConcurrencyConfigs"]]
client.delete_provisioned_concurrency_config(**name, Qualifier="live")
client.delete_function_concurrency(**name)
client.put_function_event_invoke_config(**name, MaximumRetryAttempts=1)
result["retries"] = client.get_function_event_invoke_config(**name)["MaximumRetryAttempts"]
client.tag_resource(Resource=made["FunctionArn"].rsplit(":", 1)[0] if made["FunctionArn"].endswith(":1") else made["FunctionArn"], Tags={"cost": "b"})
result["tags"] = client.get_function(**name)["Tags"]
result["layers"] = [l["LayerName"] for page in client.get_paginator("list_layers").paginate() for l in page["Layers"]]
result["account"] = client.get_account_settings()["AccountUsage"]["FunctionCount"] >= 1
client.delete_alias(**name, Name="live")
client.delete_function(**name)
client.delete_layer_version(LayerName="boto-layer", VersionNumber=1)
result["gone"] = code_of(lambda: client.get_function(**name))
print(json.dumps(result))
`;

test('boto3', { skip: missing('python3', ['-c', 'import boto3']) }, async () => {
  const result = JSON.parse(await run('python3', ['-c', SCRIPT, NODE, ROLE])) as Record<string, unknown>;
  assert.deepEqual(result, {
    made: ['1', true],
    invoked: ['1', { n: 1, version: '1', custom: { k: 'v' }, layer: 'layered' }],
    log: true,
    event: 202,
    dry: 204,
    locked: ['PreconditionFailedException', 412],
    again: true,
    versions: ['$LATEST', '1', '2'],
    weights: { AdditionalVersionWeights: { 2: 1 } },
    routed: '2',
    aliases: [['live', '2']],
    url: [200, '$LATEST', 'https://example.com'],
    policy: ['public'],
    unpoliced: ['ResourceNotFoundException', 404],
    urls: ['AWS_IAM'],
    reserved: 2,
    provisioned: [1],
    retries: 1,
    tags: { team: 'a', cost: 'b' },
    layers: ['boto-layer'],
    account: true,
    gone: ['ResourceNotFoundException', 404],
  });
});

describe('the aws command line', { skip: missing('aws', ['--version']) }, () => {
  const name = ['--function-name', 'tool-life'];
  const aws = async <T = Record<string, unknown>>(command: string, ...args: readonly string[]): Promise<T> => {
    const text = await run('aws', ['lambda', ...command.split(' '), ...args, '--output', 'json']);
    return (text.trim() === '' ? {} : JSON.parse(text)) as T;
  };
  const invoked = async (...args: readonly string[]): Promise<unknown> => {
    await aws('invoke', ...args, '--payload', 'file://event.json', 'out.json');
    return JSON.parse(readFileSync(join(work, 'out.json'), 'utf8'));
  };

  test('versions, aliases, layers, URL, concurrency, policy and tags', async () => {
    writeFileSync(join(work, 'event.json'), '{"n": 3}');
    const published = ['publish-layer-version', '--layer-name', 'tool-layer', '--zip-file', 'fileb://layer.zip'] as const;
    const { LayerVersionArn } = await aws<{ LayerVersionArn: string }>(published[0], ...published.slice(1));
    const code = ['--zip-file', 'fileb://code.zip', '--handler', 'index.handler', '--role', ROLE, '--runtime', NODE];
    await aws('create-function', ...name, ...code, '--layers', LayerVersionArn, '--tags', 'team=a', '--publish');
    await aws('wait published-version-active', ...name, '--qualifier', '1');
    assert.deepEqual(await invoked(...name, '--qualifier', '1'), { n: 3, version: '1', custom: null, layer: 'layered' });
    await aws('update-function-code', ...name, '--zip-file', 'fileb://other.zip', '--publish');
    await aws('wait function-updated-v2', ...name);
    const { Versions } = await aws<{ Versions: { Version: string }[] }>('list-versions-by-function', ...name, '--page-size', '1');
    assert.deepEqual(
      Versions.map((v) => v.Version),
      ['$LATEST', '1', '2'],
    );
    const weights = '{"AdditionalVersionWeights":{"2":1.0}}';
    await aws('create-alias', ...name, '--name', 'live', '--function-version', '1', '--routing-config', weights);
    assert.equal(((await invoked('--function-name', 'tool-life:live')) as { version: string }).version, '2');
    const { FunctionUrl } = await aws<{ FunctionUrl: string }>('create-function-url-config', ...name, '--auth-type', 'NONE');
    assert.equal((await fetch(FunctionUrl)).status, 200);
    await aws('put-function-concurrency', ...name, '--reserved-concurrent-executions', '1');
    const reserved = await aws('get-function-concurrency', ...name);
    assert.equal(reserved['ReservedConcurrentExecutions'], 1);
    const permission = ['--statement-id', 's', '--action', 'lambda:InvokeFunction', '--principal', 's3.amazonaws.com'];
    await aws('add-permission', ...name, ...permission);
    assert.match(String((await aws('get-policy', ...name))['Policy']), /"Sid":"s"/);
    const arn = 'arn:aws:lambda:us-east-1:000000000000:function:tool-life';
    await aws('tag-resource', '--resource', arn, '--tags', 'cost=b');
    assert.deepEqual((await aws('list-tags', '--resource', arn))['Tags'], { team: 'a', cost: 'b' });
    await aws('delete-function', ...name);
    await assert.rejects(aws('get-function', ...name), /ResourceNotFoundException/);
  });
});
