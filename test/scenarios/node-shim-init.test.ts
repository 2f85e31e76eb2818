import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { InitDone, InitError } from '../../src/runtimes/protocol.ts';
import { Host, invoke, type Peer } from './node-shim-host.ts';

describe('the Node.js shim’s init phase', { skip: process.platform === 'linux' ? false : 'forking needs Linux' }, () => {
  let host: Host;
  let zygote: Peer;
  before(async () => {
    host = await Host.start();
    zygote = await host.zygote();
  });
  after(() => host.close());

  const unforkable: [string, RegExp][] = [
    ['threads', /^a worker of worker_threads started 1 worker thread during init, .+\)$/],
    ['sockets', /^init left 1 socket open \(listening on port \d+\), .+\)$/],
    ['children', /^init left 1 process running \(sleep; .+\)$/],
  ];
  for (const [file, reason] of unforkable) {
    test(`${file}: unforkable, and serves all the same`, async () => {
      const peer = await host.fork(zygote);
      const init = (await host.initialise(peer, 'node-unforkable', { handler: `${file}.handler` })) as InitDone;
      assert.match(init.unforkable ?? '', reason);
      assert.equal(JSON.parse((await invoke(peer, {})).body), 'served');
      peer.close();
    });
  }

  test('programs that it starts find the Node.js of its runtime as `node`, wherever that lies', async () => {
    const taskRoot = path.join(host.directory, 'starts-node');
    await mkdir(taskRoot);
    const code = `exports.handler = async () => require('node:child_process').execFileSync('node', ['-p', 'process.execPath']).toString().trim();`;
    await writeFile(path.join(taskRoot, 'index.js'), code);
    for (const snapshot of [true, false]) {
      const peer = await host.fork(zygote);
      await host.initialise(peer, 'starts-node', { taskRoot, environment: { PATH: '/nowhere' }, snapshot });
      const server = snapshot ? await host.fork(peer) : peer;
      assert.equal(JSON.parse((await invoke(server, {})).body), process.execPath);
      server.close();
      peer.close();
    }
  });

  const broken: [string, string, RegExp][] = [
    ['missing.handler', 'Runtime.ImportModuleError', /^Error: Cannot find module 'no-such-package'\nRequire stack:\n- .*missing\.cjs/],
    ['absent.handler', 'Runtime.ImportModuleError', /^Error: Cannot find module 'absent'/],
    ['throws.handler', 'TypeError', /^during init$/],
    ['rejects.handler', 'Runtime.UnhandledPromiseRejection', /^Error: late$/],
    ['text.handler', 'Runtime.HandlerNotFound', /^text\.handler is not a function$/],
    ['text.other', 'Runtime.HandlerNotFound', /^text\.other is undefined or not exported$/],
    ['text', 'Runtime.MalformedHandlerName', /^Bad handler$/],
    ['../text.handler', 'Runtime.MalformedHandlerName', /is not a valid handler name/],
  ];
  test('init of a file that does not parse fails with Runtime.UserCodeSyntaxError', async () => {
    for (const [file, text] of [
      ['broken.js', 'function ( {'],
      ['broken.mjs', 'const = 1;'],
    ] as const) {
      const taskRoot = path.join(host.directory, path.extname(file).slice(1));
      await mkdir(taskRoot);
      await writeFile(path.join(taskRoot, file), text);
      const peer = await host.fork(zygote);
      const init = (await host.initialise(peer, 'broken', { taskRoot, handler: 'broken.handler' })) as InitError;
      assert.equal(init.errorType, 'Runtime.UserCodeSyntaxError');
      assert.match(init.errorMessage, /^SyntaxError: /);
    }
  });

  for (const [handler, errorType, message] of broken) {
    test(`init of ${handler} fails with ${errorType}`, async () => {
      const peer = await host.fork(zygote);
      const init = (await host.initialise(peer, 'node-broken', { handler })) as InitError;
      assert.equal(init.errorType, errorType);
      assert.match(init.errorMessage, message);
      assert.ok(Array.isArray(init.trace) && init.durationMs >= 0);
      assert.equal((await host.childExited(zygote, peer)).signal, null);
      assert.match(host.logs.get(peer.hello.token)!, /\tundefined\tERROR\t(Uncaught Exception|Unhandled Promise Rejection) \t/);
    });
  }
});
