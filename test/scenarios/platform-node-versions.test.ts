import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { nodeInterpreter } from './library-packages.ts';
import { Meeting } from './meeting.ts';
import { TestServer, type Called } from './platform-server.ts';

/** One of each major that Lambda has; the one that runs the server is tested by all others. */
const VERSIONS = ['20.20.2', '22.23.3', '24.21.0'].filter((version) => version.split('.')[0] !== process.versions.node.split('.')[0]);
const AT_ONCE = 6;

/** Answers once all have come to the meeting, so that each keeps an instance of its own busy. */
const CODE = `
const inInit = crypto.randomUUID();
export const handler = async () => {
  const met = await (await fetch(process.env.MEETING)).text();
  return { version: process.version, met, inInit, now: crypto.randomUUID(), environment: process.env.AWS_EXECUTION_ENV };
};`;

interface Seen {
  readonly version: string;
  readonly met: string;
  readonly inInit: string;
  readonly now: string;
  readonly environment: string;
}

describe('other Node.js versions through the server', { skip: process.platform === 'linux' ? false : 'forking needs Linux' }, () => {
  const meeting = new Meeting();
  const missing = new Map<string, string>();
  const { PATH } = process.env;
  let server: TestServer;
  let code: string;

  before(async () => {
    const bins: string[] = [];
    for (const version of VERSIONS) {
      const found = await nodeInterpreter(version);
      if (found.missing === null) bins.push(join(found.root, `node_modules/node-linux-${process.arch}/bin`));
      else missing.set(version, found.missing);
    }
    process.env['PATH'] = [PATH, ...bins].join(delimiter);
    code = mkdtempSync(join(tmpdir(), 'hearth-node-versions-'));
    writeFileSync(join(code, 'index.mjs'), CODE);
    await meeting.open();
    server = await TestServer.start();
  });
  after(async () => {
    process.env['PATH'] = PATH;
    meeting.close();
    rmSync(code, { recursive: true, force: true });
    assert.deepEqual(await server.end(), []);
  });

  for (const version of VERSIONS) {
    const runtime = `nodejs${version.split('.')[0]}.x`;
    test(`${runtime}: ${AT_ONCE} called at once are forked from one snapshot by Node.js ${version}, and then are warm`, async (t) => {
      const why = missing.get(version);
      if (why !== undefined) return t.skip(why);
      const name = runtime.replace('.', '-');
      const environment = { MEETING: meeting.url };
      const { init } = await server.deploy(name, code, { runtime, handler: 'index.handler', timeoutSeconds: 60, environment });
      assert.equal(init?.unforkable, null);
      const together = (): Promise<Called[]> => Promise.all(Array.from({ length: AT_ONCE }, () => server.call(name, {})));
      meeting.size = AT_ONCE;
      const cold = await together();
      assert.deepEqual(
        cold.map((c) => c.coldRung),
        cold.map(() => 'snapshot'),
      );
      const seen = cold.map((c) => c.value as Seen);
      for (const s of seen) assert.deepEqual([s.version, s.environment, s.met], [`v${version}`, `AWS_Lambda_${runtime}`, 'the machine']);
      assert.deepEqual([new Set(seen.map((s) => s.inInit)).size, new Set(seen.map((s) => s.now)).size], [1, AT_ONCE]);
      const instances = await Promise.all(cold.map(async (c) => (await server.usageOf(name, c.requestId)).instanceId));
      assert.equal(new Set(instances).size, AT_ONCE);
      assert.deepEqual(
        (await together()).map((c) => c.coldRung),
        cold.map(() => null),
      );
    });
  }
});
