import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { FastifyInstance } from 'fastify';
import { Authority } from '../../auth/authority.ts';
import { openSeal } from '../../auth/seal.ts';
import { FsArtifacts } from '../../artifacts/fs-artifacts.ts';
import type { Interpreters } from '../../artifacts/interpreters.ts';
import { silent } from '../../../test/silent-log.ts';
import { randomIds } from '../../lib/ids.ts';
import { VirtualClock } from '../../lib/virtual-clock.ts';
import { controlPlane } from '../control-plane.ts';
import { Sources } from '../own/sources.ts';
import { KeyRing } from '../key-ring.ts';
import { Resources } from '../resources.ts';
import { FunctionRegistry } from '../registry.ts';
import { TestEvents } from './events.ts';
import { TestFunctionStore } from './function-store.ts';
import { TestPlatform } from './platform.ts';
import { TestTriggers } from './triggers.ts';

const NOW_MS = Date.UTC(2026, 10, 22, 12);

/** A control plane on real artifacts and a server that hands it every request, as the gateway does; on a store that another has left, where one is given. */
export async function openPlane(store: TestFunctionStore = new TestFunctionStore(), platform: TestPlatform = new TestPlatform()) {
  const home = await mkdtemp(join(tmpdir(), 'hearth-control-'));
  const clock = new VirtualClock(NOW_MS);
  const node = { language: 'node', path: process.execPath, version: process.versions.node };
  const interpreters: Interpreters = { find: async (runtime) => (runtime === 'nodejs20.x' ? node : null), found: async () => [node] };
  const artifacts = await FsArtifacts.open({ root: join(home, 'artifacts'), interpreters, clock, log: silent });
  const scope = { accountId: '000000000000', region: 'us-east-1' };
  const resources = await Resources.load(store.resources, scope);
  const local = { id: 'AKIALOCAL', secret: 'local' };
  const functions = { id: 'functions', secret: 'of functions' };
  const keys = new KeyRing({ resources, seal: openSeal(home), clock, local, functions, actions: ['lambda:InvokeFunction'] });
  const statementsOf = (id: string) => keys.statementsOf(id);
  // In anonymous mode: who may do what is a matter of the whole server, test/scenarios/keys.test.ts.
  const authority = new Authority({ keys, statementsOf, clock, accountId: scope.accountId, required: false, unsignedData: true });
  const registry = await FunctionRegistry.load({ store, resources, clock, ids: randomIds, random: () => 0.5, scope });
  const sources = await Sources.open({ folder: join(home, 'sources'), clock, maxBytes: 2_000_000, keepMs: 3_600_000 });
  const events = new TestEvents();
  const triggers = new TestTriggers();
  const reported: unknown[] = [];
  const app: FastifyInstance = controlPlane({
    registry,
    resources,
    keys,
    authority,
    objects: null,
    artifacts,
    sources,
    platform,
    events,
    triggers,
    interpreters,
    clock,
    ids: randomIds,
    limits: { instances: 1000, unpackedBytes: 500_000_000 },
    report: (error) => reported.push(error),
  });
  await app.ready();
  const server = createServer((request, response) => app.routing(request, response));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const close = async (): Promise<void> => {
    await app.close();
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
    sources.close();
    await artifacts.close();
    await rm(home, { recursive: true, force: true });
  };
  return { app, home, clock, artifacts, store, registry, resources, sources, platform, triggers, events, reported, endpoint, close };
}

export type TestPlane = Awaited<ReturnType<typeof openPlane>>;

/** A zip of names to contents. */
export { zip as zipOf } from '../../artifacts/testing/zip.ts';
