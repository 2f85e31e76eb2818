import assert from 'node:assert/strict';
import { execFile, spawnSync } from 'node:child_process';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import { TestServer } from './platform-server.ts';
import { ownKey, signedFetch, toolCredentials } from './server-credentials.ts';

const missing = spawnSync('python3', ['-c', 'import boto3']).status === 0 ? false : 'boto3 is not installed';

let server: TestServer;
before(async () => {
  server = await TestServer.start();
});
after(async () => {
  assert.deepEqual(await server.end(), []);
});

const form = { 'content-type': 'application/x-www-form-urlencoded' };

test('whose key it is, is told to who has it', async () => {
  const { id } = ownKey(server.home);
  const asked = await signedFetch(server, '/', {
    method: 'POST',
    headers: form,
    body: 'Action=GetCallerIdentity&Version=2011-06-15',
    service: 'sts',
  });
  assert.deepEqual([asked.status, asked.headers.get('content-type')], [200, 'text/xml']);
  const found = `<Arn>arn:aws:iam::000000000000:user/${id}</Arn><UserId>${id}</UserId><Account>000000000000</Account>`;
  assert.match(await asked.text(), new RegExp(found));
  const other = await signedFetch(server, '/', {
    method: 'POST',
    headers: form,
    body: 'Action=AssumeRole&Version=2011-06-15',
    service: 'sts',
  });
  assert.equal(other.status, 404);
  assert.match(await other.text(), /<Code>InvalidAction<\/Code><Message>Hearth serves of sts: GetCallerIdentity; not AssumeRole\./);
});

const SCRIPT = `
import boto3
from botocore.exceptions import ClientError

def refusal(client, call, **given):
    try:
        getattr(client, call)(**given)
    except ClientError as error:
        return "{Code}: {Message}".format(**error.response["Error"])

print(boto3.client("sts").get_caller_identity()["Account"])
print(refusal(boto3.client("sts", aws_secret_access_key="wrong", aws_access_key_id="AKIAWRONG"), "get_caller_identity"))
print(refusal(boto3.client("iam"), "list_roles"))
print(refusal(boto3.client("dynamodb"), "list_tables"))
print(refusal(boto3.client("bedrock-runtime"), "invoke_model", modelId="m", body=b"{}"))
print(refusal(boto3.client("apigatewayv2"), "get_apis"))
print(refusal(boto3.client("efs"), "describe_file_systems"))
print(refusal(boto3.client("route53"), "list_hosted_zones"))
`;

test('boto3 is told, and what services Hearth does not have', { skip: missing }, async () => {
  const env = { PATH: process.env['PATH'] ?? '', AWS_MAX_ATTEMPTS: '1', ...toolCredentials(server) };
  const { stdout } = await promisify(execFile)('python3', ['-c', SCRIPT], { env });
  const [account, stranger, iam, dynamo, ...byPath] = stdout.trimEnd().split('\n');
  assert.equal(account, '000000000000');
  assert.match(stranger ?? '', /^InvalidClientTokenId: The security token included in the request is invalid/);
  assert.match(iam ?? '', /^InvalidAction: Hearth has no iam: of AWS's services it has lambda, s3, sqs, events, scheduler, logs, sts\.$/);
  assert.match(dynamo ?? '', /^UnknownOperationException: Hearth has no dynamodb: /);
  assert.deepEqual(
    byPath.map((line) => line.replace(/:[^:]*$/, '')),
    [
      'UnknownOperationException: Hearth has no bedrock',
      'UnknownOperationException: Hearth has no apigateway',
      'UnknownOperationException: Hearth has no elasticfilesystem',
      'InvalidAction: Hearth has no route53',
    ],
  );
});
