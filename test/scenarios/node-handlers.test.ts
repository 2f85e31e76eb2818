import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { InitDone, InitError } from '../../src/runtimes/protocol.ts';
import { Host, invoke, type Peer } from './node-shim-host.ts';

const BOM = '\uFEFF';
const cjs = (says: string): string => `exports.handler = async () => '${says}';`;
const esm = (says: string): string => `export const handler = async () => '${says}';`;
const MODULE = '{"type": "module"}';

/** What lies in a function's folder, what its handler is called, and what the one that is meant answers. */
const FOUND: readonly [string, string, Readonly<Record<string, string>>, string][] = [
  ['a file in folders', 'src/deep/app.handler', { 'src/deep/app.js': cjs('deep') }, 'deep'],
  ['a path that begins with ./', './src/app.handler', { 'src/app.js': cjs('dotted') }, 'dotted'],
  ['a member of a member', 'app.sub.handler', { 'app.js': `exports.sub = { handler: async () => 'sub' };` }, 'sub'],
  ['a member far below', 'lib/app.a.b.c.handler', { 'lib/app.js': `exports.a = { b: { c: { handler: async () => 'c' } } };` }, 'c'],
  ['a default export', 'app.default.handler', { 'app.mjs': `export default { handler: async () => 'default' };` }, 'default'],
  ['.js as a module', 'app.handler', { 'package.json': MODULE, 'app.js': esm('module') }, 'module'],
  [
    '.js as the nearest package.json has it',
    'old/app.handler',
    { 'package.json': MODULE, 'old/package.json': '{}', 'old/app.js': cjs('old') },
    'old',
  ],
  ['.cjs among modules', 'app.handler', { 'package.json': MODULE, 'app.cjs': cjs('cjs') }, 'cjs'],
  ['.mjs that waits at its top', 'app.handler', { 'app.mjs': `await new Promise((r) => setTimeout(r, 5)); ${esm('waited')}` }, 'waited'],
  ['.js before .mjs and .cjs', 'app.handler', { 'app.js': cjs('js'), 'app.mjs': esm('mjs'), 'app.cjs': cjs('cjs') }, 'js'],
  ['.mjs before .cjs', 'app.handler', { 'app.mjs': esm('mjs'), 'app.cjs': cjs('cjs') }, 'mjs'],
  ['a file without an extension before all others', 'app.handler', { app: cjs('bare'), 'app.js': cjs('js') }, 'bare'],
  ['a folder of the same name beside the file', 'app.handler', { 'app/other.js': cjs('other'), 'app.js': cjs('js') }, 'js'],
  ['a byte order mark in CommonJS', 'app.handler', { 'app.js': BOM + cjs('bom') }, 'bom'],
  ['a byte order mark in a module', 'app.handler', { 'app.mjs': BOM + esm('bom') }, 'bom'],
  ['a byte order mark in package.json', 'app.handler', { 'package.json': BOM + MODULE, 'app.js': esm('bom') }, 'bom'],
  ['an installed package', 'pkg.handler', { 'node_modules/pkg/index.js': cjs('package') }, 'package'],
];

const LOST: readonly [string, string, Readonly<Record<string, string>>, string, RegExp][] = [
  ['no such file', 'nothing.handler', {}, 'Runtime.ImportModuleError', /Cannot find module 'nothing'/],
  ['no such member', 'app.nothing', { 'app.js': cjs('x') }, 'Runtime.HandlerNotFound', /^app\.nothing is undefined or not exported$/],
  ['no such member of a member', 'app.a.b', { 'app.js': cjs('x') }, 'Runtime.HandlerNotFound', /^app\.a\.b is undefined or not exported$/],
  ['a member that is no function', 'app.n', { 'app.js': 'exports.n = 7;' }, 'Runtime.HandlerNotFound', /^app\.n is not a function$/],
  ['a path that leads out', '../app.handler', {}, 'Runtime.MalformedHandlerName', /is not a valid handler name/],
  ['no dot', 'app', { 'app.js': cjs('x') }, 'Runtime.MalformedHandlerName', /^Bad handler$/],
  [
    'a mark of streaming that means nothing',
    'app.handler',
    { 'app.js': `exports.handler = async () => 1; exports.handler[Symbol.for('aws.lambda.runtime.handler.streaming')] = 'request';` },
    'Runtime.MalformedStreamingHandler',
    /^Only response streaming is supported\.$/,
  ],
];

describe('how a handler is found', { skip: process.platform === 'linux' ? false : 'forking needs Linux' }, () => {
  let host: Host;
  let zygote: Peer;
  let folders = 0;
  before(async () => {
    host = await Host.start();
    zygote = await host.zygote();
  });
  after(() => host.close());

  async function initialised(
    handler: string,
    files: Readonly<Record<string, string>>,
  ): Promise<{ peer: Peer; init: InitDone | InitError }> {
    const taskRoot = path.join(host.directory, `task-${++folders}`);
    await mkdir(taskRoot);
    for (const [name, text] of Object.entries(files)) {
      await mkdir(path.dirname(path.join(taskRoot, name)), { recursive: true });
      await writeFile(path.join(taskRoot, name), text);
    }
    const peer = await host.fork(zygote);
    return { peer, init: await host.initialise(peer, 'found', { taskRoot, handler, snapshot: false }) };
  }

  for (const [what, handler, files, says] of FOUND) {
    test(`${handler}: ${what}`, async () => {
      const { peer, init } = await initialised(handler, files);
      assert.ok('unforkable' in init, JSON.stringify(init));
      assert.equal((await invoke(peer, {})).body, JSON.stringify(says));
      peer.close();
    });
  }

  for (const [what, handler, files, errorType, message] of LOST) {
    test(`${handler}: ${what} is ${errorType}`, async () => {
      const { init } = await initialised(handler, files);
      assert.ok('errorType' in init, JSON.stringify(init));
      assert.equal(init.errorType, errorType);
      assert.match(init.errorMessage, message);
    });
  }

  test('timers that nobody waits for hold up no answer, unless a callback is to wait for them', async () => {
    for (const handler of ['index.leavesTimer', 'index.atOnceForever']) {
      const peer = await host.fork(zygote);
      const init = await host.initialise(peer, 'node-lambda', { handler, snapshot: false });
      assert.ok('unforkable' in init, JSON.stringify(init));
      for (let i = 0; i < 2; i++) assert.equal((await invoke(peer, {})).body, '"at once"');
      peer.close();
    }
  });

  test('a function that wants no global of AWS’s has none', async () => {
    const code = `exports.handler = async () => typeof awslambda;`;
    const { peer } = await initialised('app.handler', { 'app.js': code });
    assert.equal((await invoke(peer, {})).body, '"object"');
    const without = await host.fork(zygote);
    const taskRoot = path.join(host.directory, `task-${folders}`);
    const environment = { AWS_LAMBDA_NODEJS_NO_GLOBAL_AWSLAMBDA: '1', PATH: process.env['PATH'] ?? '' };
    await host.initialise(without, 'found', { taskRoot, handler: 'app.handler', snapshot: false, environment });
    assert.equal((await invoke(without, {})).body, '"undefined"');
  });
});
