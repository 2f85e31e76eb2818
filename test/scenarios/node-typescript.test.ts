import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { TestServer } from './platform-server.ts';

let server: TestServer;

before(async () => {
  server = await TestServer.start();
  await deploy('orders');
});
after(async () => assert.deepEqual(await server.end(), []));

async function deploy(name: string, environment: Readonly<Record<string, string>> = {}): Promise<void> {
  const runtime = `nodejs${process.versions.node.split('.')[0]}.x`;
  const { initError } = await server.deploy(name, 'node-typescript', { runtime, handler: 'index.handler', environment });
  assert.equal(initError, null);
}

test('TypeScript in two modules, with types and an enum, is deployed as it is written', async () => {
  const { value, functionError, coldRung } = await server.call('orders', { lines: [{ cents: 250, count: 3 }, { cents: 99 }] });
  assert.equal(functionError, null);
  assert.deepEqual(value, { total: 849, currency: 'EUR', file: 'index.mjs' });
  if (process.platform === 'linux') assert.equal(coldRung, 'snapshot');
});

/** Where an error was thrown and where that was called, as its trace has it. */
async function places(name: string): Promise<(string | undefined)[]> {
  const { value, functionError } = await server.call(name, { lines: [] });
  assert.equal(functionError, 'Unhandled');
  const { errorType, errorMessage, trace } = value as { errorType: string; errorMessage: string; trace: string[] };
  assert.deepEqual([errorType, errorMessage], ['EmptyOrder', 'an order has at least one line']);
  assert.equal(trace[0], 'EmptyOrder: an order has at least one line');
  return trace.slice(1, 3).map((line) => /^ {4}at (?:Object\.)?(\w+ \().*\/(\w+\.\w+:\d+):\d+\)$/.exec(line)?.slice(1).join(''));
}

test('its error has a stack trace', async () => {
  const [thrown, called] = await places('orders');
  assert.match(thrown ?? '', /^check \(index\.mjs:\d+$/);
  assert.match(called ?? '', /^handler \(index\.mjs:\d+$/);
});

test('with --enable-source-maps in NODE_OPTIONS, as on Lambda, the trace has the lines of the TypeScript', async () => {
  await deploy('mapped', { NODE_OPTIONS: '--enable-source-maps' });
  assert.deepEqual(await places('mapped'), ['check (order.ts:17', 'handler (index.ts:16']);
});
