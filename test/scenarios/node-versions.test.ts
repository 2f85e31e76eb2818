import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import path from 'node:path';
import { describe, test } from 'node:test';
import { SERVER_HEAP } from '../../src/cli/server-heap.ts';
import type { InitDone } from '../../src/runtimes/protocol.ts';
import { nodeInterpreter } from './library-packages.ts';
import { Host, invoke, type Peer } from './node-shim-host.ts';

/** One of each major that Lambda has; the one that runs the tests is tested by all others. */
const VERSIONS = ['20.20.2', '22.23.3', '24.21.0'].filter((version) => version.split('.')[0] !== process.versions.node.split('.')[0]);
const INSTANCES = 20;

/** What test/functions/node-world finds that it can do, three full collections a call among it. */
const WORLD = {
  fetch: 'over http',
  files: true,
  names: true,
  keys: 8,
  zip: 'zipped',
  exec: 'executed\n',
  execSync: 'synchronously\n',
  worker: ['from a worker', 0],
  collections: 30,
  compiler: true,
};

describe(
  'the Node.js shim on other versions',
  { skip: process.platform === 'linux' ? false : 'forking needs Linux', timeout: 230_000 },
  () => {
    for (const version of VERSIONS) {
      test(`Node.js ${version} is forked, collects, and does all that a process can`, async (t) => {
        const { root, missing } = await nodeInterpreter(version);
        if (missing !== null) return t.skip(missing);
        const node = path.join(root, `node_modules/node-linux-${process.arch}/bin/node`);
        assert.equal(execFileSync(node, [...SERVER_HEAP, '-p', '"a server"'], { encoding: 'utf8' }), 'a server\n');
        const host = await Host.start();
        try {
          const zygote = await host.zygote(node);
          assert.equal(zygote.hello.runtime, `node/${version}`);
          assert.deepEqual(zygote.hello.capabilities, ['fork', 'concurrency']);
          const snapshotOf = async (name: string): Promise<Peer> => {
            const snapshot = await host.fork(zygote);
            assert.equal(((await host.initialise(snapshot, name)) as InitDone).unforkable, null);
            return snapshot;
          };
          const echo = await snapshotOf('node-echo');
          const instances = await Promise.all(Array.from({ length: INSTANCES }, () => host.instance(echo)));
          const answers = await Promise.all(instances.map(async (peer) => JSON.parse((await invoke(peer, {})).body)));
          for (const key of ['pid', 'random', 'uuid', 'bytes'])
            assert.equal(new Set(answers.map((answer) => answer[key])).size, INSTANCES, key);
          const world = await host.instance(await snapshotOf('node-world'));
          for (let call = 0; call < 3; call++) assert.deepEqual(JSON.parse((await invoke(world, {})).body), WORLD);
        } finally {
          await host.close();
        }
      });
    }
  },
);
