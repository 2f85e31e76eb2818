import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, request, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import type { FastifyReply } from 'fastify';
import { OpenLines } from './ndjson.ts';

test('nothing is kept for a reader that left before the first line was there', async (t) => {
  const server = createServer();
  t.after(() => server.close());
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const asking = request({ port: (server.address() as AddressInfo).port });
  asking.on('error', () => {});
  asking.end();
  const [, response] = (await once(server, 'request')) as [unknown, ServerResponse];
  asking.destroy();
  await once(response, 'close');
  const lines = new OpenLines().open();
  let closed = false;
  lines.onClose(() => (closed = true));
  lines.answer({ hijack: () => {}, raw: response } as unknown as FastifyReply);
  lines.write('x'.repeat(1 << 20));
  await new Promise((resolve) => setImmediate(resolve));
  assert.ok(closed, 'who writes lines goes on for nobody');
});
