import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { InvokeCommand, LambdaClient, PutFunctionRecursionConfigCommand } from '@aws-sdk/client-lambda';
import { deployBundled } from './bundled.ts';
import { ROOT, TestServer } from './platform-server.ts';
import { clientOptions } from './server-credentials.ts';

/** Calls itself by AWS's SDK until it may not, or is as deep as it is told to go. */
const CODE = `
import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
const lambda = new LambdaClient({ maxAttempts: 1 });
export const handler = async ({ depth, most }, { functionName: FunctionName }) => {
  if (depth === most) return { depth };
  try {
    const { Payload } = await lambda.send(new InvokeCommand({ FunctionName, Payload: JSON.stringify({ depth: depth + 1, most }) }));
    return JSON.parse(Buffer.from(Payload).toString());
  } catch (error) {
    return { depth, name: error.name, status: error.$metadata?.httpStatusCode, message: error.message };
  }
};
`;

let server: TestServer;
let lambda: LambdaClient;
before(async () => {
  server = await TestServer.start();
  lambda = new LambdaClient(clientOptions(server));
  const runtime = `nodejs${process.versions.node.split('.')[0]}.x`;
  await deployBundled(server, 'itself', { root: ROOT, code: CODE, manifest: { runtime, timeoutSeconds: 120, memoryMb: 256 } });
});
after(async () => {
  lambda.destroy();
  assert.deepEqual(await server.end(), []);
});

async function deep(most: number): Promise<Record<string, unknown>> {
  const { Payload } = await lambda.send(new InvokeCommand({ FunctionName: 'itself', Payload: JSON.stringify({ depth: 0, most }) }));
  return JSON.parse(Buffer.from(Payload ?? []).toString()) as Record<string, unknown>;
}

test('a function that calls itself without end is stopped, as on Lambda, unless it may', async () => {
  const { message, ...stopped } = await deep(18);
  assert.deepEqual(stopped, { depth: 16, name: 'RecursiveInvocationException', status: 400 }, String(message));
  assert.match(String(message), /^Lambda has detected your function being invoked in a recursive loop/);
  await lambda.send(new PutFunctionRecursionConfigCommand({ FunctionName: 'itself', RecursiveLoop: 'Allow' }));
  assert.deepEqual(await deep(18), { depth: 18 });
});
