import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { handlerOf, languages, TestServer } from './platform-server.ts';
import { until } from './until.ts';

let server: TestServer;
before(async () => (server = await TestServer.start()));
after(async () => assert.deepEqual(await server.end(), []));

for (const { language, runtime, skip } of await languages()) {
  describe(`several invocations on an instance: ${language}`, { skip, timeout: 60_000 }, () => {
    const name = `many-${language}`;

    test('one that runs into its timeout takes none of the others with it; the instance ends with the last', async () => {
      const manifest = { runtime, handler: handlerOf(language), timeoutSeconds: 3, scaling: { concurrency: 10 } };
      await server.deploy(name, 'behaviours/sleeps', manifest);
      await server.call(name, { ms: 1 });
      const late = server.call(name, { ms: 60_000 });
      await until(async () => (await instances()).some((i) => i.state === 'busy'));
      await new Promise((resolve) => setTimeout(resolve, 1_500)); // what comes now is within its own time when that one no longer is
      const beside = [0, 1, 2].map((n) => server.call(name, { ms: 2_000 + n }));
      const { functionError, value, requestId } = await late;
      assert.deepEqual([functionError, (value as { errorType: string }).errorType], ['Unhandled', 'Sandbox.Timedout']);
      assert.deepEqual(
        (await Promise.all(beside)).map((one) => one.value),
        [0, 1, 2].map((n) => ({ ms: 2_000 + n })),
      );
      await until(async () => (await instances()).length === 0);
      const { outcome, durationMs } = await server.usageOf(name, requestId);
      assert.deepEqual([outcome, durationMs], ['timeout', 3_000]);
      assert.deepEqual((await server.call(name, { ms: 1 })).value, { ms: 1 });
    });

    const instances = async () => (await server.client.resident(name)).instances;
  });
}
