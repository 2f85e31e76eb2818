import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import dns from 'node:dns';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer as secureServer } from 'node:https';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { type TestContext, test } from 'node:test';
import { HearthClient } from './client.ts';
import { Connection } from './connection.ts';
import { UnreachableError } from './errors.ts';

/** A port that nobody listens on. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

const status = { method: 'GET', path: '/hearth/v1/status' } as const;

test('a name with several addresses, none of which answers, is a server that is not there', async (t: TestContext) => {
  const both = [
    { address: '127.0.0.1', family: 4 },
    { address: '127.0.0.2', family: 4 },
  ];
  const port = await freePort();
  t.mock.method(dns, 'lookup', (_name: string, _options: object, done: (error: null, found: typeof both) => void) => done(null, both));
  const connection = new Connection(`http://localhost:${port}`);
  await assert.rejects(
    connection.send(status),
    (error) => error instanceof UnreachableError && error.refused && /no server answers at/.test(error.message),
  );
});

test('a certificate that nobody vouches for is the way’s fault, and not ours', async (t: TestContext) => {
  const folder = mkdtempSync(join(tmpdir(), 'hearth-certificate-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')];
  const asked = ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-keyout', key, '-out', cert, '-days', '2', '-subj', '/CN=localhost'];
  if (spawnSync('openssl', asked).status !== 0) return t.skip('there is no openssl here');
  const server = secureServer({ key: readFileSync(key), cert: readFileSync(cert) }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  const connection = new Connection(`https://127.0.0.1:${(server.address() as AddressInfo).port}`);
  await assert.rejects(
    connection.send(status),
    (error) => error instanceof UnreachableError && !error.refused && /SELF_SIGNED/.test(error.message),
  );
});

test('what is wrong with the source of a body is said as it is', async () => {
  const server = createServer((socket) => socket.on('error', () => {})).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const connection = new Connection(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  const body = new PassThrough();
  const sent = connection.send({ method: 'POST', path: '/hearth/v1/sources', body });
  const broken = new Error('the file is gone');
  body.destroy(broken);
  await assert.rejects(sent, broken);
  connection.close();
  server.close();
});

test('a server that takes connections and never answers is not waited for without end', async () => {
  const server = createServer((socket) => socket.on('error', () => {})).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const client = new HearthClient(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, null, { patienceMs: 100 });
  await assert.rejects(
    client.status(),
    (error) => error instanceof UnreachableError && !error.refused && /no answer within 0.1 s/.test(error.message),
  );
  client.close();
  server.close();
});
