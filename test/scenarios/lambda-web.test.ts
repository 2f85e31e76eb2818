import assert from 'node:assert/strict';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { deployBundled } from './bundled.ts';
import { npmPackages, type Packages } from './packages.ts';
import { TestServer } from './platform-server.ts';

const NODE = `nodejs${process.versions.node.split('.')[0]}.x`;

let server: TestServer;
const folder = mkdtempSync(join(tmpdir(), 'hearth-web-'));
before(async () => {
  server = await TestServer.start();
});
after(async () => {
  rmSync(folder, { recursive: true, force: true });
  assert.deepEqual(await server.end(), []);
});

/** What a web application does that an adapter has to carry: a query, a body, cookies, bytes, a status of its own. */
const APP = `
const app = require('express')();
app.use(require('express').json());
app.get('/hello', (req, res) => res.cookie('a', '1').cookie('b', '2').json({ hello: req.query.name, agent: req.get('user-agent') }));
app.post('/echo', (req, res) => res.status(201).json(req.body));
app.get('/picture', (req, res) => res.type('image/png').send(Buffer.from([0x89, 0x50, 0, 255])));
app.get('/fails', () => { throw new Error('on purpose'); });
app.use((req, res) => res.status(404).send('nothing at ' + req.path));
app.use((error, req, res, next) => res.status(500).send(error.message));
`;

const ADAPTERS: readonly { name: string; packages: Record<string, string>; code: string }[] = [
  {
    name: 'serverless-http',
    packages: { 'serverless-http': '4.0.0', express: '4.21.2' },
    code: `exports.handler = require('serverless-http')(app, { binary: ['image/png'] });`,
  },
  {
    name: '@codegenie/serverless-express',
    packages: { '@codegenie/serverless-express': '4.16.0', express: '4.21.2' },
    code: `exports.handler = require('@codegenie/serverless-express')({ app, binarySettings: { contentTypes: ['image/png'] } });`,
  },
];

for (const [i, { name, packages, code }] of ADAPTERS.entries())
  describe(`an Express application by ${name}`, () => {
    let found: Packages;
    const url = (path: string): string => `${server.endpoint}/fn/web-${i}${path}`;
    before(async () => {
      found = await npmPackages(packages);
      if (found.root === null) return;
      const manifest = { runtime: NODE, timeoutSeconds: 20, url: { auth: 'none' } };
      await deployBundled(server, `web-${i}`, { root: found.root, code: APP + code, manifest });
    });

    test('answers on its function URL', async (t) => {
      if (found.missing !== null) return t.skip(found.missing);
      const hello = await fetch(url('/hello?name=W%C3%B6rld'), { headers: { 'user-agent': 'test' } });
      assert.deepEqual([hello.status, await hello.json()], [200, { hello: 'Wörld', agent: 'test' }]);
      assert.deepEqual(hello.headers.getSetCookie(), ['a=1; Path=/', 'b=2; Path=/']);
      const echo = await fetch(url('/echo'), { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{"n":[1,"ü"]}' });
      assert.deepEqual([echo.status, await echo.json()], [201, { n: [1, 'ü'] }]);
      const picture = await fetch(url('/picture'));
      assert.equal(picture.headers.get('content-type'), 'image/png');
      assert.deepEqual(Buffer.from(await picture.arrayBuffer()), Buffer.from([0x89, 0x50, 0, 255]));
      const [fails, nothing] = [await fetch(url('/fails')), await fetch(url('/nothing'))];
      assert.deepEqual([fails.status, await fails.text()], [500, 'on purpose']);
      assert.deepEqual([nothing.status, await nothing.text()], [404, 'nothing at /nothing']);
    });
  });

/**
 * What AWS's web adapter does, in a custom runtime: a web server that knows nothing of functions listens on PORT, and each event becomes a request to
 * it. The server is whatever the deployment brings.
 */
const BOOTSTRAP = `#!/bin/sh
exec node "$LAMBDA_TASK_ROOT/adapter.mjs"
`;
const ADAPTER = `
import { spawn } from 'node:child_process';
const api = 'http://' + process.env.AWS_LAMBDA_RUNTIME_API + '/2018-06-01/runtime/';
const port = process.env.PORT;
spawn(process.execPath, [process.env.LAMBDA_TASK_ROOT + '/server.mjs'], { stdio: 'inherit' }).once('exit', () => process.exit(1));
const local = 'http://127.0.0.1:' + port;
while (!(await fetch(local + '/ready').then((r) => r.ok, () => false))) await new Promise((resolve) => setTimeout(resolve, 10));
for (;;) {
  const next = await fetch(api + 'invocation/next');
  const id = next.headers.get('lambda-runtime-aws-request-id');
  const event = await next.json();
  const { method } = event.requestContext.http;
  const body = event.body === undefined ? undefined : Buffer.from(event.body, event.isBase64Encoded ? 'base64' : 'utf8');
  const { host, 'content-length': _, connection: __, ...headers } = event.headers;
  const answer = await fetch(local + event.rawPath + (event.rawQueryString ? '?' + event.rawQueryString : ''), { method, headers, body });
  const bytes = Buffer.from(await answer.arrayBuffer());
  const result = { statusCode: answer.status, headers: Object.fromEntries(answer.headers), isBase64Encoded: true, body: bytes.toString('base64') };
  await fetch(api + 'invocation/' + id + '/response', { method: 'POST', body: JSON.stringify(result) });
}
`;
const SERVER = `
import { createServer } from 'node:http';
let served = 0;
createServer(async (request, response) => {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  if (request.url === '/ready') return response.end();
  response.writeHead(202, { 'content-type': 'text/plain', 'x-served': String(++served) });
  response.end(request.method + ' ' + request.url + ' ' + Buffer.concat(chunks));
}).listen(Number(process.env.PORT), '127.0.0.1');
`;

test('a web server behind an adapter, as a custom runtime', async () => {
  for (const [name, text] of [
    ['bootstrap', BOOTSTRAP],
    ['adapter.mjs', ADAPTER],
    ['server.mjs', SERVER],
  ] as const)
    writeFileSync(join(folder, name), text);
  chmodSync(join(folder, 'bootstrap'), 0o755);
  const environment = { PORT: '18099' };
  await server.deploy('adapted', folder, {
    runtime: 'provided.al2023',
    handler: 'server',
    timeoutSeconds: 20,
    environment,
    url: { auth: 'none' },
  });
  const url = `${server.endpoint}/fn/adapted/some/path?q=1`;
  const first = await fetch(url, { method: 'PUT', body: 'a body' });
  assert.deepEqual([first.status, first.headers.get('x-served')], [202, '1']);
  assert.equal(await first.text(), 'PUT /some/path?q=1 a body');
  const second = await fetch(url);
  assert.deepEqual([second.headers.get('x-served'), await second.text()], ['2', 'GET /some/path?q=1 ']);
});
