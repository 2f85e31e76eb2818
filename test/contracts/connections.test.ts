import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer as createHttpServer, type RequestListener } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import { connect, createServer, type AddressInfo, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { promisify } from 'node:util';
import type { ForkDriver } from '../../src/drivers/fork/fork-driver.ts';
import type { DriverInstance, Prepared } from '../../src/fleet/driver.ts';
import { systemClock } from '../../src/lib/clock.ts';
import type { DatabaseConnection } from '../../src/store/connection.ts';
import { startEmbedded, type Embedded } from '../../src/store/embedded.ts';
import { REPOSITORY } from '../scenarios/examples-folder.ts';
import { pythonClients } from '../scenarios/library-packages.ts';
import type { Packages } from '../scenarios/packages.ts';
import { silent } from '../silent-log.ts';
import { farDeadlineMs, instanceSpec, invocation } from './driver.contract.ts';
import { abilities, behaviourSpec, openForkDriver, runtimes } from './fork-driver-subject.ts';

interface Seen {
  /** What says which connection it was: during init, and in the handler twice. */
  readonly first: number;
  readonly now: readonly number[];
}

const listen = async (server: Server): Promise<number> => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
};

/** A real PostgreSQL, on a port of the loopback: functions have no access to the folder its socket is in. */
async function database(): Promise<{ url: string; close: () => Promise<void> }> {
  const home = mkdtempSync(join(tmpdir(), 'hearth-connections-'));
  const embedded: Embedded = await startEmbedded({ home, clock: systemClock, log: silent });
  const { host, port, user, password } = embedded.connection('app') as Exclude<DatabaseConnection, { connectionString: string }>;
  const proxy = createServer((client) => {
    const server = connect(`${host}/.s.PGSQL.${port}`);
    client.on('error', () => server.destroy()).on('close', () => server.destroy());
    server.on('error', () => client.destroy()).on('close', () => client.destroy());
    client.pipe(server).pipe(client);
  });
  const url = `postgres://${user}:${encodeURIComponent(password)}@127.0.0.1:${await listen(proxy)}/app`;
  return {
    url,
    async close() {
      const closed = new Promise((resolve) => proxy.close(resolve));
      await embedded.stop();
      await closed;
      rmSync(home, { recursive: true, force: true, maxRetries: 20 });
    },
  };
}

interface Identity {
  readonly key: string;
  readonly cert: string;
}

/** A server's key and the certificate of 127.0.0.1 that it signed itself; null where there is no openssl to make them. */
async function identity(): Promise<Identity | null> {
  const folder = mkdtempSync(join(tmpdir(), 'hearth-identity-'));
  const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')];
  const kind = ['-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'];
  const who = ['-subj', '/CN=127.0.0.1', '-addext', 'subjectAltName=IP:127.0.0.1'];
  try {
    await promisify(execFile)('openssl', ['req', ...kind, ...who, '-keyout', key, '-out', cert]);
    return { key: readFileSync(key, 'utf8'), cert: readFileSync(cert, 'utf8') };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

interface Web {
  readonly url: string;
  close(): Promise<void>;
}

/** Answers each request with the number of the connection that it came by; over TLS for who can prove who it is. */
async function web(tls: Identity | null): Promise<Web> {
  let connections = 0;
  const numbers = new WeakMap<object, number>();
  const answer: RequestListener = (request, response) => response.end(String(numbers.get(request.socket)));
  const keepAliveTimeout = 60_000;
  const server = tls === null ? createHttpServer({ keepAliveTimeout }, answer) : createHttpsServer({ ...tls, keepAliveTimeout }, answer);
  server.on(tls === null ? 'connection' : 'secureConnection', (socket: object) => numbers.set(socket, ++connections));
  const url = `${tls === null ? 'http' : 'https'}://127.0.0.1:${await listen(server)}/`;
  return {
    url,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** Clients that keep connections for next time, by what they talk. */
const POOLS = {
  node: { http: ['agent', 'fetch'], https: ['agent', 'fetch'] },
  python: { http: ['requests', 'urllib3', 'standard'], https: ['urllib3', 'standard'] },
} as const;

for (const { language, runtime, missing } of await runtimes()) {
  describe(`connections of init: ${language}`, { skip: missing ?? (abilities.linux ? false : 'needs Linux'), timeout: 120_000 }, () => {
    let driver: ForkDriver;
    let packages: Packages;
    let postgres: Awaited<ReturnType<typeof database>>;
    let proof: Identity | null;
    let pages: { http: Web; https: Web | null };
    before(async () => {
      packages = language === 'node' ? { root: REPOSITORY, missing: null } : await pythonClients();
      proof = await identity();
      [driver, postgres] = await Promise.all([openForkDriver(), database()]);
      pages = { http: await web(null), https: proof && (await web(proof)) };
    });
    after(async () => {
      await driver.close();
      await Promise.all([postgres.close(), pages.http.close(), pages.https?.close()]);
    });

    const prepare = (client: string, url: string, mode = ''): Promise<Prepared> => {
      const spec = behaviourSpec('connects', runtime, {
        environment: { CLIENT: client, MODE: mode, URL: url, ...(url.startsWith('https:') && proof ? { CA: proof.cert } : {}) },
      });
      return driver.prepare({ ...spec, dependencyRoot: packages.root }, instanceSpec());
    };
    const call = async (instance: DriverInstance): Promise<Seen> => {
      const answer = await instance.invoke(invocation({}), farDeadlineMs());
      assert.equal(answer.errorType, null, answer.body.toString());
      return JSON.parse(answer.body.toString()) as Seen;
    };

    const client = language === 'node' ? 'pg' : 'psycopg';
    it(`${client}: a connection that is left open forbids forking, says so, and works`, async (t) => {
      if (packages.missing !== null) return t.skip(packages.missing);
      const prepared = await prepare(client, postgres.url);
      assert.ok(prepared.kind === 'instance');
      const port = new URL(postgres.url).port;
      assert.match(prepared.reason, new RegExp(`^init left 1 socket open \\(to 127.0.0.1:${port}\\), .*after-restore hook`));
      const seen = await call(prepared.instance);
      assert.deepEqual(seen.now, [seen.first, seen.first]);
      await prepared.instance.kill();
    });

    it(`${client}: closed by a hook and opened by another, each instance has its own`, async (t) => {
      if (packages.missing !== null) return t.skip(packages.missing);
      const prepared = await prepare(client, postgres.url, 'hooks');
      assert.ok(prepared.kind === 'snapshot', JSON.stringify(prepared));
      const instances = await Promise.all([1, 2, 3].map(() => driver.fork(prepared.snapshot, instanceSpec())));
      const seen = await Promise.all(instances.map(call));
      assert.equal(new Set(seen.flatMap((s) => [s.first, s.now[0]])).size, 1 + instances.length);
      for (const { now } of seen) assert.equal(now[0], now[1]);
      await Promise.all([...instances.map((i) => i.kill()), prepared.snapshot.evict()]);
    });

    for (const talk of ['http', 'https'] as const)
      for (const pool of POOLS[language][talk]) {
        it(`${pool}, ${talk}: a connection kept alive is closed before the fork, and each instance opens its own`, async (t) => {
          if (packages.missing !== null) return t.skip(packages.missing);
          const url = pages[talk]?.url;
          if (url === undefined) return t.skip('there is no openssl to make a certificate with');
          const prepared = await prepare(pool, url);
          assert.ok(prepared.kind === 'snapshot', JSON.stringify(prepared));
          const instances = await Promise.all([1, 2, 3].map(() => driver.fork(prepared.snapshot, instanceSpec())));
          const seen = await Promise.all(instances.map(call));
          assert.equal(new Set(seen.flatMap((s) => [s.first, s.now[0]])).size, 1 + instances.length);
          // fetch() may open a second one while the first is on its way back to the pool.
          if (pool !== 'fetch') for (const { now } of seen) assert.equal(now[0], now[1], 'kept alive again');
          await Promise.all([...instances.map((i) => i.kill()), prepared.snapshot.evict()]);
        });
      }
  });
}
