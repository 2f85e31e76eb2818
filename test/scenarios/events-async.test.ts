import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { GetFunctionRecursionConfigCommand, InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { Diary } from './diary.ts';
import { handlerOf, languages, TestServer } from './platform-server.ts';
import { until } from './until.ts';
import { clientOptions, signedFetch } from './server-credentials.ts';

interface Listed {
  readonly events: readonly Readonly<Record<string, unknown>>[];
}

describe('asynchronous invocation', () => {
  let server: TestServer;
  let diary: Diary;
  let lambda: LambdaClient;
  before(async () => {
    server = await TestServer.start();
    diary = await Diary.open();
    const [node] = await languages();
    await server.deploy('diary', 'events-diary', { runtime: node?.runtime, handler: handlerOf('node') });
    lambda = new LambdaClient(clientOptions(server));
  });
  after(async () => {
    lambda.destroy();
    await diary[Symbol.asyncDispose]();
    assert.deepEqual(await server.end(), []);
  });
  const invoke = (payload: string) =>
    lambda.send(new InvokeCommand({ FunctionName: 'diary', InvocationType: 'Event', Payload: Buffer.from(payload) }));
  const own = async (path: string, body?: unknown): Promise<Record<string, unknown>> => {
    const init = body === undefined ? {} : { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) };
    return (await (await signedFetch(server, `/hearth/v1/events${path}`, init)).json()) as Record<string, unknown>;
  };

  test('is answered 202 without a body, runs with the request id it was answered with, and is in the ledger', async () => {
    const answer = await invoke(JSON.stringify({ n: 1, post: diary.url }));
    assert.equal(answer.StatusCode, 202);
    assert.equal(answer.Payload?.length ?? 0, 0);
    const entry = await until(() => diary.entries.find((e) => e.n === 1));
    assert.equal(entry.requestId, answer.$metadata.requestId);
    const shown = await until(async () => {
      const { deliveries } = (await own(`/${entry.requestId}`)) as { deliveries?: Record<string, unknown>[] };
      return deliveries?.[0]?.['state'] === 'succeeded' ? deliveries[0] : null;
    });
    assert.equal(shown['function'], 'diary');
    assert.equal(shown['attempts'], 1);
    assert.equal((shown['history'] as { requestId: string }[])[0]?.requestId, entry.requestId);
    assert.match(entry.trace ?? '', /Root=1-.*;Lineage=[0-9a-f]{8}:1$/);
  });

  test('a hundred at once all run, each once', async () => {
    const numbers = Array.from({ length: 100 }, (_, i) => 100 + i);
    await Promise.all(numbers.map((n) => invoke(JSON.stringify({ n, post: diary.url }))));
    await until(() => numbers.every((n) => diary.entries.some((e) => e.n === n)));
    assert.equal(diary.entries.filter((e) => e.n >= 100 && e.n < 200).length, 100);
  });

  test('refuses what is no JSON, what is too large, and a function that is not there', async () => {
    await assert.rejects(invoke('{"n":'), { name: 'InvalidRequestContentException' });
    const exact = JSON.stringify('x'.repeat(1024 * 1024 - 2));
    assert.equal((await invoke(exact)).StatusCode, 202);
    await assert.rejects(invoke(`${exact} `), (error: { name: string; $metadata: { httpStatusCode: number } }) => {
      assert.equal(error.name, 'RequestTooLargeException');
      assert.equal(error.$metadata.httpStatusCode, 413);
      return true;
    });
    await assert.rejects(lambda.send(new InvokeCommand({ FunctionName: 'none', InvocationType: 'Event' })), {
      name: 'ResourceNotFoundException',
    });
  });

  test('a failure waits for its retry, and is driven again when asked', async () => {
    const { $metadata } = await invoke(JSON.stringify({ n: 300, post: diary.url, fail: 'on purpose' }));
    const waiting = await until(async () => {
      const { events } = (await own('?state=waiting&function=diary')) as unknown as Listed;
      return events.find((e) => e['eventId'] === $metadata.requestId && e['attempts'] === 1);
    });
    const delayMs = Number(waiting['dueAtMs']) - Number(waiting['acceptedAtMs']);
    assert.ok(delayMs >= 60_000, `retried after ${delayMs} ms`);
    const { deliveries } = (await own(`/${$metadata.requestId}`)) as { deliveries: { history: Record<string, unknown>[] }[] };
    assert.deepEqual(
      deliveries[0]?.history.map((h) => [h['outcome'], h['errorType'], h['message']]),
      [['function_error', 'Error', 'on purpose']],
    );
    assert.deepEqual(await own('/redrive', { event: $metadata.requestId }), { redriven: 0 });
    const done = diary.entries.find((e) => e.n === 1);
    assert.deepEqual(await own('/redrive', { event: done?.requestId }), { redriven: 1 });
    await until(() => diary.entries.filter((e) => e.n === 1).length === 2);
  });

  test('a chain that comes back to itself is stopped after sixteen hops, and says so', async () => {
    await invoke(JSON.stringify({ n: 400, post: diary.url, again: server.endpoint }));
    const stopped = await until(async () =>
      ((await own('?state=failed')) as unknown as Listed).events.find((e) => e['reason'] === 'LoopStopped'),
    );
    assert.equal(diary.entries.filter((e) => e.n === 400).length, 16);
    const { deliveries } = (await own(`/${String(stopped['eventId'])}`)) as { deliveries: { history: { message: string }[] }[] };
    assert.match(deliveries[0]?.history[0]?.message ?? '', /step 17 of the chain/);
  });

  test('where it is allowed for a function, its chain goes on', async () => {
    const [node] = await languages();
    const manifest = { runtime: node?.runtime, handler: handlerOf('node'), async: { recursiveLoop: 'allow' } };
    await server.deploy('loops', 'events-diary', manifest);
    const config = await lambda.send(new GetFunctionRecursionConfigCommand({ FunctionName: 'loops' }));
    assert.equal(config.RecursiveLoop, 'Allow');
    const Payload = Buffer.from(JSON.stringify({ n: 500, post: diary.url, again: server.endpoint }));
    await lambda.send(new InvokeCommand({ FunctionName: 'loops', InvocationType: 'Event', Payload }));
    const hops = await until(() => {
      const traces = diary.entries.flatMap((e) => (e.n === 500 ? [e.trace ?? ''] : []));
      return traces.length <= 20 ? null : traces.map((trace) => Number(/Lineage=[0-9a-f]+:(\d+)/.exec(trace)?.[1]));
    });
    assert.deepEqual(
      hops.slice(0, 20),
      Array.from({ length: 20 }, (_, i) => i + 1),
    );
    await server.client.remove('loops');
  });
});
