import type { AddressInfo } from 'node:net';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { FsArtifacts } from './artifacts/fs-artifacts.ts';
import type { Authority } from './auth/authority.ts';
import { openLocalKey } from './auth/local-key.ts';
import { newKey } from './auth/new-key.ts';
import type { Base } from './composition/base.ts';
import { Drain } from './composition/drain.ts';
import { openFunctions, openSources } from './composition/directory.ts';
import { openBus } from './composition/bus.ts';
import { openEvents } from './composition/events.ts';
import { assertPortFree } from './composition/free-port.ts';
import { ownSignature } from './composition/keys.ts';
import { objectReader } from './composition/object-reader.ts';
import { openObjects } from './composition/objects.ts';
import { platform } from './composition/platform.ts';
import { confinedPrograms } from './composition/programs.ts';
import { provision } from './composition/provision.ts';
import { openQueues } from './composition/queues.ts';
import { residency } from './composition/residency.ts';
import { soleDatabase } from './composition/sole-database.ts';
import { runDirectory } from './composition/run-directory.ts';
import { followTables } from './composition/table-mappings.ts';
import { openTriggers } from './composition/triggers.ts';
import type { Config } from './config/config.ts';
import { controlPlane } from './control/control-plane.ts';
import { logsService } from './control/logs/service.ts';
import { identityServices } from './control/sts/service.ts';
import { Dispatcher } from './dispatch/dispatcher.ts';
import { ExecDriver } from './drivers/exec/exec-driver.ts';
import { ExtendedDriver } from './drivers/extensions/extended-driver.ts';
import { programSpawner } from './drivers/exec/program-spawner.ts';
import { ForkDriver } from './drivers/fork/fork-driver.ts';
import type { Driver } from './fleet/driver.ts';
import { LocalFleet } from './fleet/local-fleet.ts';
import { machineMemory } from './fleet/memory-gauge.ts';
import type { Chains } from './gateway/chain.ts';
import type { EndpointService } from './gateway/endpoint-service.ts';
import type { Directory } from './gateway/directory.ts';
import { hostCheck } from './gateway/host-check.ts';
import { CallRates } from './gateway/call-rates.ts';
import { createGateway } from './gateway/server.ts';
import { UnderWay } from './gateway/under-way.ts';
import { systemClock } from './lib/clock.ts';
import { Closing } from './lib/closing.ts';
import { randomIds } from './lib/ids.ts';
import { billedMs } from './metering/billing.ts';
import { UsageRecorder } from './metering/usage-recorder.ts';
import { IdleCollector } from './observe/idle-collector.ts';
import { FunctionLogs } from './observe/function-logs.ts';
import type { DeliveryIntake } from './model/delivery.ts';
import type { ObjectStore } from './objects/object-store.ts';
import type { Logger } from './observe/logger.ts';
import { Catalogue } from './runtimes/catalogue.ts';
import { thisMachine } from './runtimes/interpreters.ts';
import type { Abilities } from './sandbox/abilities.ts';
import { detect } from './sandbox/detect.ts';
import { Loopbacks, type LoopbacksOptions } from './sandbox/loopback/loopbacks.ts';
import { openStore, type PostgresStore, type StoreOptions } from './store/postgres-store.ts';
import type { Store } from './store/store.ts';

export interface StartOptions {
  readonly config: Config;
  readonly log: Logger;
  /** Ends the start, where it has not come to its end: all that was begun is undone. */
  readonly signal?: AbortSignal;
}

/** A running server. */
export interface RunningServer {
  /** `http://127.0.0.1:8420` */
  readonly endpoint: string;
  /** Invocations that run, or wait for an instance. */
  readonly running: number;
  /**
   * From now on no connection is accepted, no request begun and no event or message handed to a function; resolves when what runs has ended
   * and is answered, or `limits.drainMs` later, whichever comes first: whether all has ended. `close` must follow. Never rejects.
   */
  drain(): Promise<boolean>;
  /**
   * Ends everything, whatever runs: no more requests, instances gone, usage written, database stopped. Idempotent. False where something of it did not
   * end in its time: it is in the log, and what it holds goes with the process.
   */
  close(): Promise<boolean>;
}

/** How long one part may take to end. The database is given up before, PostgreSQL itself and instances are killed before. */
const RELEASE_MS = 20_000;

const SHIMS = fileURLToPath(new URL('../../shims', import.meta.url));

/**
 * Puts the whole of Hearth together and serves. Throws HearthError: ResourceConflictException when another server has the home or
 * database, ServiceUnavailable when the database can't be had; the system's error when the port is taken; and the signal's reason.
 */
export async function startServer({ config, log, signal }: StartOptions): Promise<RunningServer> {
  const closing = new Closing({ clock: systemClock, log, patienceMs: RELEASE_MS, signal });
  try {
    await assertPortFree(config.port, config.host);
    const drain = new Drain({ clock: systemClock, log });
    return await assemble({ config, log, clock: systemClock, ids: randomIds, closing, drain }, signal);
  } catch (error) {
    await closing.close();
    throw error;
  }
}

async function assemble(base: Base, signal: AbortSignal | undefined): Promise<RunningServer> {
  const { config, log, clock, ids, closing } = base;
  const [store, abilities] = await Promise.all([openStore(storeOptions(config), { clock, log, signal }), detect()]);
  closing.add('the database', () => store.close());
  const own = { store, sole: await soleDatabase(base, store) };
  const [logs, recorder, catalogue] = [openLogs(base), openRecorder(base, store), openCatalogue(base)];
  const interpreters = catalogueInterpreters(catalogue);
  const artifacts = await openArtifacts(base, interpreters);
  closing.add('code packages', () => artifacts.close());
  const { drivers, ...sandbox } = await openDrivers(base, catalogue, abilities);
  const memory = machineMemory(clock);
  const [key, functionsKey] = [openLocalKey(config.home), newKey()];
  const door = { endpoint: config.port === 0 ? '' : endpointOf(config.host, config.port) };
  const aws = () => ({ endpoint: door.endpoint, accessKeyId: functionsKey.id, secretAccessKey: functionsKey.secret });
  const databaseUrl = store.embedded?.functionUrl ?? null;
  const provided = provision({ drivers, artifacts, logs, clock, aws, databaseUrl, abilities, limits: config.limits });
  const keep = { limits: config.limits, keep: config.fleet, residency: residency(config) };
  const fleet = new LocalFleet({ clock, ids, memory, provision: provided, ...keep });
  closing.add('instances', () => fleet.close());
  const dispatcher = new Dispatcher({ worker: fleet, clock, usage: recorder, limits: config.limits, billedMs });
  const { registry, rollouts, ...directory } = await openFunctions(base, { ...own, fleet, dispatcher, logs, artifacts, key, functionsKey });
  const { resources, authority, chains } = directory;
  const queues = await openQueues(base, { store, serving: rollouts, resources, dispatcher, authority });
  const bus = openBus(base, { store, registry, resources, authority });
  const objects = await openObjects(base, { ...own, registry, ...directory, hasQueue: queues.has, bus: bus.deliveries });
  const triggers = await openTriggers({ config, clock, ids, log, store, registry, objects, queues: queues.source, worked: fleet.chains });
  closing.add('triggers', () => triggers.close());
  // Before who waits for what runs.
  closing.add('what runs', () => fleet.halt());
  const tables = followTables(base, { triggers, registry, resources, batches: store.batches });
  objects.watch();
  const outlets = { queues, bus, objects: objects.store, sign: ownSignature(base, functionsKey, () => door.endpoint) };
  const events = await openEvents(base, { store, dispatcher, registry, serving: rollouts, resources, triggers, ...outlets });
  const parts = { config, clock, ids, fleet, drivers, memory, catalogue, abilities, store, recorder, logs, provision: provided, rollouts };
  const control = controlPlane({
    registry,
    ...directory,
    events,
    objects: objectReader(objects.store),
    sources: await openSources(base),
    limits: config.limits,
    artifacts,
    interpreters,
    ids,
    clock,
    triggers,
    mappings: (uuid) => queues.mapping(uuid) ?? tables.mapping(uuid),
    ...presence(queues, objects.store),
    platform: platform({ ...parts, ...sandbox, dispatcher }),
    updates: (version) => rollouts.state(version),
    report: (err, request) => log.error({ err, request }, 'request failed'),
  });
  await control.ready();
  const logsApi = logsService({ registry, logs, resources, clock, authority, log });
  const services = [queues.service, logsApi, ...bus.services, ...identityServices({ authority, scope: config, log }), ...objects.services];
  door.endpoint = await listen(base, control, { dispatcher, directory: rollouts, services, intake: store.intake, authority, chains });
  rollouts.listening();
  log.info({ endpoint: door.endpoint, home: config.home }, 'serving');
  return runningServer(base, door.endpoint, { dispatcher, store });
}

/** Whether there are queues and buckets of a name, for who is about to name them. */
function presence(queues: { readonly has: (queue: string) => boolean }, objects: ObjectStore) {
  return { hasQueue: queues.has, hasBucket: (name: string) => objects.has(name) };
}

function openArtifacts({ config, clock, log }: Base, interpreters: ReturnType<typeof catalogueInterpreters>): Promise<FsArtifacts> {
  const { unpackedBytes } = config.limits;
  return FsArtifacts.open({ root: join(config.home, 'artifacts'), interpreters, clock, log, unpackedBytes });
}

function runningServer(
  base: Base,
  endpoint: string,
  { dispatcher, store }: { readonly dispatcher: Dispatcher; readonly store: PostgresStore },
): RunningServer {
  const { clock, closing, drain } = base;
  const collector = new IdleCollector({ clock, running: () => dispatcher.running, begun: () => dispatcher.begun });
  closing.add('the collector of idle times', () => collector.close());
  closing.add('the drain', () => void drain.begin());
  closing.add('the connections to the database', () => store.leave());
  return {
    endpoint,
    get running() {
      return dispatcher.running;
    },
    drain: () => drained(base, dispatcher),
    close: () => closing.close(),
  };
}

async function drained({ config, log, drain }: Base, dispatcher: Dispatcher): Promise<boolean> {
  const { drainMs } = config.limits;
  log.info({ running: dispatcher.running, drainMs }, 'ending: nothing new is begun');
  const all = await drain.within(drainMs);
  if (!all && dispatcher.running > 0) log.warn({ running: dispatcher.running }, 'what still runs is ended');
  return all;
}

function storeOptions(config: Config): StoreOptions {
  return { ...config, runDirectory: runDirectory(config.home, process.env) };
}

function openLogs({ config, clock, closing }: Base): FunctionLogs {
  const logs = new FunctionLogs({ root: join(config.home, 'logs'), clock, maxBytes: config.limits.logBytes });
  closing.add('logs of functions', () => logs.close());
  return logs;
}

function openRecorder({ config, clock, log, closing }: Base, store: Store): UsageRecorder {
  const recorder = new UsageRecorder({ store: store.usage, clock, log, flushMs: config.metering.flushMs });
  closing.add('usage', () => recorder.close());
  return recorder;
}

/** The interpreters of this machine: looked for in the background, since asking each of them takes seconds where there are many. */
function openCatalogue({ closing }: Base): Catalogue {
  const ended = new AbortController();
  closing.add('the look for interpreters', () => ended.abort());
  const catalogue = new Catalogue(thisMachine(process.env, ended.signal));
  void Promise.all([catalogue.list('node'), catalogue.list('python')]);
  return catalogue;
}

/** The system can have run out of what they need since it was found to have it: then the server does without. */
function openLoopbacks(options: LoopbacksOptions): Loopbacks | null {
  try {
    return Loopbacks.open(options);
  } catch (error) {
    options.warn(`instances share the machine's loopback: ${(error as Error).message}`);
    return null;
  }
}

async function openDrivers(
  { config, log, clock, ids, closing }: Base,
  catalogue: Catalogue,
  abilities: Abilities,
): Promise<{ readonly drivers: Driver[]; readonly gaps: () => string[] }> {
  const run = runDirectory(config.home, process.env);
  const warn = (message: string): void => log.warn(message);
  const loopbacks = abilities.noLoopbacks === null ? openLoopbacks({ clock, warn }) : null;
  closing.add('loopbacks', () => loopbacks?.close());
  const fork = await ForkDriver.open({
    runDirectory: run,
    shims: SHIMS,
    catalogue,
    abilities,
    loopbacks,
    hide: [homedir(), config.home],
    clock,
    ids,
    greetingMs: config.fleet.greetingMs,
    answerBytes: config.limits.payloadBytes + 100,
    warn,
  });
  closing.add('the fork driver', () => fork.close());
  const spawner = programSpawner({ clock, ids, runDirectory: run, warn });
  closing.add('programs', () => spawner.close());
  const programs = confinedPrograms(fork, spawner, warn);
  const exec = new ExecDriver({ spawner: programs, clock, payloadBytes: config.limits.payloadBytes });
  closing.add('custom runtimes', () => exec.close());
  // Closed first: their extensions are told while there is still somebody to end them.
  const drivers = [fork, exec].map((driver) => new ExtendedDriver(driver, { spawner: programs, clock, ids, loopbacks }));
  for (const driver of drivers) closing.add('extensions', () => driver.close());
  return { drivers, gaps: () => fork.gaps() };
}

/** Opens the door; returns where it is. */
async function listen(
  { config, log, clock, ids, closing, drain }: Base,
  control: ReturnType<typeof controlPlane>,
  parts: {
    readonly dispatcher: Dispatcher;
    readonly directory: Directory;
    readonly intake: DeliveryIntake;
    readonly services: readonly EndpointService[];
    readonly authority: Authority;
    readonly chains: Chains;
  },
): Promise<string> {
  const underWay = new UnderWay();
  const gateway = createGateway({
    ...parts,
    underWay,
    clock,
    ids,
    payloadBytes: config.limits.payloadBytes,
    streamBytes: config.limits.streamBytes,
    eventBytes: config.events.payloadBytes,
    rates: new CallRates(config.limits, clock),
    hosts: hostCheck([config.host, ...config.allowedHosts]),
    log,
    control: (request, response) => control.routing(request, response),
  });
  await new Promise<void>((resolve, reject) => {
    gateway.once('error', reject);
    gateway.listen(config.port, config.host, resolve);
  });
  // The door stays open: what runs may still need the server. Others are sent away.
  drain.add(() => underWay.end());
  closing.add('the endpoint', async () => {
    const closed = new Promise((resolve) => gateway.close(resolve));
    await control.close();
    gateway.closeAllConnections();
    await closed;
  });
  const { port } = gateway.address() as AddressInfo;
  return endpointOf(config.host, port);
}

function endpointOf(host: string, port: number): string {
  return `http://${host.includes(':') ? `[${host}]` : host}:${port}`;
}

/** The catalogue as the parts that build functions ask for it. */
function catalogueInterpreters(catalogue: Catalogue) {
  return {
    find: (runtime: string) => catalogue.resolve(runtime).catch(() => null),
    found: async () => (await Promise.all([catalogue.list('node'), catalogue.list('python')])).flat(),
  };
}
