import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  CreateFunctionCommand,
  CreateFunctionUrlConfigCommand,
  InvokeCommand,
  LambdaClient,
  ListFunctionsCommand,
  PutFunctionConcurrencyCommand,
  type TooManyRequestsException,
} from '@aws-sdk/client-lambda';
import { zipOf } from '../../src/control/testing/plane.ts';
import type { Config } from '../../src/config/config.ts';
import { TestServer } from './platform-server.ts';
import { clientOptions } from './server-credentials.ts';

const Runtime = `nodejs${process.versions.node.split('.')[0]}.x` as 'nodejs20.x';
const ECHO = 'exports.handler = async (event) => event;';

/** A server with such limits and AWS's own client of it, until `work` ends. */
async function withLimits(
  limits: Partial<Config['limits']>,
  work: (lambda: LambdaClient, server: TestServer) => Promise<void>,
): Promise<void> {
  const server = await TestServer.start({ limits });
  const lambda = new LambdaClient(clientOptions(server));
  try {
    await work(lambda, server);
  } finally {
    lambda.destroy();
    assert.deepEqual(await server.end(), []);
  }
}

async function create(lambda: LambdaClient, FunctionName: string, code = ECHO): Promise<void> {
  const Code = { ZipFile: await zipOf({ 'index.js': code }) };
  await lambda.send(
    new CreateFunctionCommand({ FunctionName, Runtime, Handler: 'index.handler', Role: 'arn:aws:iam::000000000000:role/r', Code }),
  );
}

/** What each of so many calls at once came to: `ran`, or the reason of its 429. */
function outcomes(
  lambda: LambdaClient,
  FunctionName: string,
  count: number,
  InvocationType: 'RequestResponse' | 'Event' = 'RequestResponse',
) {
  const one = (): Promise<string> =>
    lambda.send(new InvokeCommand({ FunctionName, InvocationType, Payload: '{}' })).then(
      () => 'ran',
      (e: unknown) => {
        const { name, $metadata, Reason } = e as TooManyRequestsException;
        assert.deepEqual([name, $metadata.httpStatusCode], ['TooManyRequestsException', 429]);
        return String(Reason);
      },
    );
  return Promise.all(Array.from({ length: count }, one));
}

const kinds = (all: readonly string[]): string[] => [...new Set(all)].sort();

test("calls are refused by rate where a limit is set: a function's own by what it has reserved, all others together", () =>
  withLimits({ callsPerSecond: 5, callsPerReserved: 10 }, async (lambda, server) => {
    for (const name of ['free', 'other', 'reserved']) await create(lambda, name);
    await lambda.send(new PutFunctionConcurrencyCommand({ FunctionName: 'reserved', ReservedConcurrentExecutions: 1 }));
    await lambda.send(new CreateFunctionUrlConfigCommand({ FunctionName: 'other', AuthType: 'NONE' }));

    const free = await outcomes(lambda, 'free', 60);
    assert.deepEqual(kinds(free), ['FunctionInvocationRateLimitExceeded', 'ran']);
    assert.ok(free.filter((o) => o === 'ran').length >= 5, "a second's worth ran");

    // What 'free' has used up, 'other' has not, by its URL too.
    const byUrl = await Promise.all(Array.from({ length: 60 }, () => fetch(`${server.endpoint}/fn/other`).then((r) => r.status)));
    assert.ok(byUrl.includes(429), byUrl.join(' '));

    // One at a time, so that only the rate can refuse.
    const reserved: string[] = [];
    while (reserved.length < 1_000 && reserved.at(-1)?.includes('Rate') !== true) reserved.push(...(await outcomes(lambda, 'reserved', 1)));
    assert.deepEqual(kinds(reserved), ['ReservedFunctionInvocationRateLimitExceeded', 'ran']);
    assert.ok(reserved.length > 10, "a second's worth ran");

    // Events have no rate, as on Lambda.
    assert.deepEqual(kinds(await outcomes(lambda, 'free', 60, 'Event')), ['ran']);
  }));

test('requests are refused by rate and key where a limit is set; the key of the server has none', () =>
  withLimits({ requestsPerKey: 5 }, async (lambda, server) => {
    await create(lambda, 'echo');
    const { id, secret } = await server.client.keys.create({ name: 'app' });
    const app = new LambdaClient({ ...clientOptions(server), credentials: { accessKeyId: id, secretAccessKey: secret } });
    const called = await outcomes(app, 'echo', 60);
    assert.deepEqual(kinds(called), ['CallerRateLimitExceeded', 'ran']);
    const listed = await Promise.allSettled(Array.from({ length: 60 }, () => app.send(new ListFunctionsCommand({}))));
    const refused = listed.find((l) => l.status === 'rejected')?.reason as TooManyRequestsException | undefined;
    assert.deepEqual([refused?.name, refused?.Reason], ['TooManyRequestsException', 'CallerRateLimitExceeded']);
    app.destroy();
    assert.deepEqual(kinds(await outcomes(lambda, 'echo', 60)), ['ran']);
  }));

test('who needs one more snapshot made than may be at once is refused where a limit is set', () =>
  withLimits({ snapshotsAtOnce: 1 }, async (lambda) => {
    const slow = `Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1_500);\n${ECHO}`;
    for (const name of ['one', 'two']) await create(lambda, name, slow);
    const both = (await Promise.all(['one', 'two'].map((name) => outcomes(lambda, name, 1)))).flat();
    assert.deepEqual(both.sort(), ['ConcurrentSnapshotCreateLimitExceeded', 'ran']);
    for (const name of ['one', 'two']) assert.deepEqual(await outcomes(lambda, name, 1), ['ran']);
  }));
