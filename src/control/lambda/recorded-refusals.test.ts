import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import * as aws from '@aws-sdk/client-lambda';
import { openPlane, zipOf, type TestPlane } from '../testing/plane.ts';

/** What AWS was recorded to say of things that are not there, or not for this. */
let plane: TestPlane;
let client: aws.LambdaClient;

const ARN = 'arn:aws:lambda:us-east-1:000000000000';

before(async () => {
  plane = await openPlane();
  const credentials = { accessKeyId: 'x', secretAccessKey: 'y' };
  client = new aws.LambdaClient({ endpoint: plane.endpoint, region: 'us-east-1', credentials, maxAttempts: 1 });
  const Code = { ZipFile: await zipOf({ 'index.js': 'exports.handler = async () => 1' }) };
  const settings = { Runtime: 'nodejs20.x', Handler: 'index.handler', Role: 'arn:aws:iam::000000000000:role/r' } as const;
  await client.send(new aws.CreateFunctionCommand({ FunctionName: 'there', Code, ...settings }));
});
after(async () => {
  client.destroy();
  await plane.close();
});

const refused = (sent: Promise<unknown>, name: string, message: string): Promise<void> => assert.rejects(sent, { name, message });

test('event source mappings of functions that are not there', () =>
  refused(
    client.send(new aws.CreateEventSourceMappingCommand({ FunctionName: 'none', EventSourceArn: 'arn:aws:sqs:us-east-1:000000000000:q' })),
    'InvalidParameterValueException',
    'Function does not exist',
  ));

test('reserved concurrency of a version', () =>
  refused(
    client.send(new aws.PutFunctionConcurrencyCommand({ FunctionName: `${ARN}:function:there:$LATEST`, ReservedConcurrentExecutions: 0 })),
    'InvalidParameterValueException',
    'This operation is permitted on Lambda functions only. Aliases and versions do not support this operation. Please specify either a function name or an unqualified function ARN.',
  ));

test('provisioned concurrency of $LATEST', async () => {
  const of = { FunctionName: 'there', Qualifier: '$LATEST' };
  const message = 'The function resource provided must be an alias or a published version.';
  await refused(client.send(new aws.GetProvisionedConcurrencyConfigCommand(of)), 'InvalidParameterValueException', message);
  await refused(
    client.send(new aws.PutProvisionedConcurrencyConfigCommand({ ...of, ProvisionedConcurrentExecutions: 1 })),
    'InvalidParameterValueException',
    'Provisioned Concurrency Configs cannot be applied to unpublished function versions.',
  );
});

test('no tags', () =>
  refused(
    client.send(new aws.TagResourceCommand({ Resource: `${ARN}:function:there`, Tags: {} })),
    'InvalidParameterValueException',
    'An error occurred and the request cannot be processed.',
  ));

test('URLs and event configurations of functions that are not there', async () => {
  const none = { FunctionName: 'none' };
  for (const sent of [
    () => client.send(new aws.UpdateFunctionUrlConfigCommand({ ...none, AuthType: 'NONE' })),
    () => client.send(new aws.UpdateFunctionUrlConfigCommand({ FunctionName: 'there', Qualifier: 'none', AuthType: 'NONE' })),
    () => client.send(new aws.ListFunctionUrlConfigsCommand(none)),
  ])
    await refused(sent(), 'ResourceNotFoundException', 'Function does not exist');
  await refused(
    client.send(new aws.UpdateFunctionUrlConfigCommand({ FunctionName: 'there', AuthType: 'NONE' })),
    'ResourceNotFoundException',
    'The resource you requested does not exist.',
  );
  for (const sent of [
    () => client.send(new aws.UpdateFunctionEventInvokeConfigCommand({ ...none, MaximumRetryAttempts: 1 })),
    () => client.send(new aws.ListFunctionEventInvokeConfigsCommand(none)),
  ])
    await refused(sent(), 'ResourceNotFoundException', "The function doesn't exist.");
});

test('code signing configurations that are not there', async () => {
  const CodeSigningConfigArn = `${ARN}:code-signing-config:csc-0123456789abcdef0`;
  for (const sent of [
    () => client.send(new aws.GetCodeSigningConfigCommand({ CodeSigningConfigArn })),
    () => client.send(new aws.DeleteCodeSigningConfigCommand({ CodeSigningConfigArn })),
    () => client.send(new aws.UpdateCodeSigningConfigCommand({ CodeSigningConfigArn })),
    () => client.send(new aws.ListFunctionsByCodeSigningConfigCommand({ CodeSigningConfigArn })),
  ])
    await refused(sent(), 'ResourceNotFoundException', `The Lambda code signing configuration ${CodeSigningConfigArn} can not be found.`);
  await refused(
    client.send(new aws.PutFunctionCodeSigningConfigCommand({ FunctionName: 'there', CodeSigningConfigArn })),
    'CodeSigningConfigNotFoundException',
    `The code signing configuration cannot be found. Check that the provided configuration is not deleted: ${CodeSigningConfigArn}.`,
  );
});
