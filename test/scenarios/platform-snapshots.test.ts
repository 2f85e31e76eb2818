import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { handlerOf, languages, TestServer } from './platform-server.ts';

let server: TestServer;

before(async () => {
  server = await TestServer.start({ fleet: { greetingMs: 3_000 } });
});

after(async () => {
  assert.deepEqual(await server.end(), []);
});

for (const { language, runtime, skip } of await languages()) {
  describe(
    `snapshots, ${language}`,
    { skip: skip || (process.platform === 'linux' ? false : 'forking needs Linux'), timeout: 120_000 },
    () => {
      const common = { runtime, handler: handlerOf(language), timeoutSeconds: 30 };
      const thrown = language === 'node' ? 'RangeError' : 'IndexError';

      test('a function is rehearsed with its sample event, and its hooks run', async () => {
        const name = `rehearsed-${language}`;
        const deployed = await server.deploy(name, 'behaviours/hooks', { ...common, rehearse: { note: 'rehearsed' } });
        assert.equal(deployed.init?.unforkable, null);
        const { value, coldRung } = await server.call(name, {});
        assert.equal(coldRung, 'snapshot');
        const seen = value as string[];
        assert.equal(seen[0], 'rehearsed');
        assert.deepEqual(seen.slice(-4), ['before 2', 'before 1', 'after 1', 'after 2']);
      });

      test('a hook before the snapshot that throws: the deployment says so, and callers are told', async () => {
        const name = `before-throws-${language}`;
        const deployed = await server.deploy(name, 'behaviours/hooks', { ...common, environment: { MODE: 'before-throws' } });
        assert.deepEqual(deployed.initError, { errorType: 'Runtime.BeforeSnapshotError', errorMessage: 'no snapshot of me' });
        const answer = await server.call(name, {});
        assert.equal(answer.functionError, 'Unhandled');
        assert.equal((answer.value as { errorType: string }).errorType, thrown);
      });

      test('a hook after it that throws fails the invocation, and the next tries again', async () => {
        const name = `after-throws-${language}`;
        await server.deploy(name, 'behaviours/hooks', { ...common, environment: { MODE: 'after-throws' } });
        for (let call = 0; call < 2; call++) {
          const answer = await server.call(name, {});
          const { errorType, errorMessage } = answer.value as { errorType: string; errorMessage: string };
          assert.deepEqual([answer.functionError, errorType, errorMessage], ['Unhandled', thrown, 'not restored']);
        }
        assert.deepEqual((await server.client.resident(name)).instances, []);
      });

      test('children that never come up: callers are answered, and it is said why it is not forked', async () => {
        const name = `hangs-${language}`;
        await server.deploy(name, 'behaviours/hangs-when-forked', common);
        const answers = await Promise.all([1, 2, 3].map((n) => server.call(name, { n })));
        assert.deepEqual(
          answers.map((a) => a.value),
          [{ n: 1 }, { n: 2 }, { n: 3 }],
        );
        const [plain] = (await server.client.resident(name)).plain;
        assert.match(plain!.reason, /^instances forked from its snapshot did not come up \(a process did not greet within 3000 ms/);
        assert.ok(plain!.failedForks >= 4);
      });
    },
  );
}
