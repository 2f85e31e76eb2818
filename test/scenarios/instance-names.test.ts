import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { Meeting } from './meeting.ts';
import { handlerOf, languages, TestServer } from './platform-server.ts';

const AT_ONCE = 5;

/** Each says what it is called, once all have come to the meeting. With NAMES, the init phase names the sessions itself. */
const CODE = {
  'index.mjs': `
import { execFileSync } from 'node:child_process';
if (process.env.NAMES) process.env.PGAPPNAME = process.env.NAMES;
export const handler = async (event, context) => {
  await (await fetch(process.env.MEETING)).text();
  const { AWS_LAMBDA_LOG_STREAM_NAME: stream, PGAPPNAME: session } = process.env;
  return { context: context.logStreamName, stream, session, inherited: execFileSync('printenv', ['PGAPPNAME'], { encoding: 'utf8' }).trim() };
};`,
  'lambda_function.py': `
import os, subprocess, urllib.request
if "NAMES" in os.environ:
    os.environ["PGAPPNAME"] = os.environ["NAMES"]
def lambda_handler(event, context):
    urllib.request.urlopen(os.environ["MEETING"]).read()
    return {
        "context": context.log_stream_name,
        "stream": os.environ["AWS_LAMBDA_LOG_STREAM_NAME"],
        "session": os.environ["PGAPPNAME"],
        "inherited": subprocess.check_output(["printenv", "PGAPPNAME"], text=True).strip(),
    }
`,
};

interface Names {
  readonly context: string;
  readonly stream: string;
  readonly session: string;
  /** The session's name as a process of the instance's has it from its environment. */
  readonly inherited: string;
}

for (const { language, runtime, skip } of await languages()) {
  describe(`names of instances, ${language}`, { skip }, () => {
    const meeting = new Meeting();
    let server: TestServer;
    let code: string;
    before(async () => {
      code = mkdtempSync(join(tmpdir(), 'hearth-names-'));
      for (const [file, text] of Object.entries(CODE)) writeFileSync(join(code, file), text);
      await meeting.open();
      meeting.size = AT_ONCE;
      server = await TestServer.start();
    });
    after(async () => {
      meeting.close();
      rmSync(code, { recursive: true, force: true });
      assert.deepEqual(await server.end(), []);
    });

    /** What instances that run at once say, each its own log stream; and on which rung they were started. */
    const together = async (name: string, more: Readonly<Record<string, unknown>> = {}, environment = {}) => {
      const manifest = { runtime, handler: handlerOf(language), timeoutSeconds: 60, ...more };
      await server.deploy(name, code, { ...manifest, environment: { MEETING: meeting.url, ...environment } });
      const called = await Promise.all(Array.from({ length: AT_ONCE }, () => server.call(name, {})));
      for (const { value, functionError, requestId } of called) {
        assert.equal(functionError, null, JSON.stringify(value));
        const { context, stream } = value as Names;
        const { instanceId } = await server.usageOf(name, requestId);
        assert.match(stream, /^\d{4}\/\d\d\/\d\d\/\[\$LATEST\][0-9a-f]{32}$/);
        assert.deepEqual([context, stream.slice(-32)], [stream, instanceId?.replaceAll('-', '')]);
      }
      const names = called.map((c) => c.value as Names);
      assert.equal(new Set(names.map((n) => n.stream)).size, AT_ONCE);
      return { names, rungs: new Set(called.map((c) => c.coldRung)) };
    };
    const ofSessions = ({ names }: { names: readonly Names[] }): Set<string> => new Set(names.flatMap((n) => [n.session, n.inherited]));
    const own = ({ names }: { names: readonly Names[] }): void => {
      for (const { stream, session, inherited } of names) {
        const expected = `hearth:${stream.slice(-32)}`;
        assert.deepEqual([session, inherited], [expected, expected]);
      }
    };

    test('forked from one snapshot, each has a log stream of its own, and sessions called after it', async () => {
      const forked = await together('forked');
      if (process.platform === 'linux') assert.deepEqual([...forked.rungs], ['snapshot']);
      own(forked);
    });

    test('and so has each that ran its own init phase', async () => {
      const plain = await together('plain', { snapshot: 'off' });
      assert.ok(!plain.rungs.has('snapshot'));
      own(plain);
    });

    test('a function that names its sessions itself keeps that name, be it in its configuration or in its init phase', async () => {
      assert.deepEqual([...ofSessions(await together('configured', {}, { PGAPPNAME: 'mine' }))], ['mine']);
      assert.deepEqual([...ofSessions(await together('initialised', {}, { NAMES: 'mine' }))], ['mine']);
    });
  });
}
