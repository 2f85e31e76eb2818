import { availableParallelism } from 'node:os';
import type { Config } from './config.ts';

const MiB = 1024 * 1024;

/** Every default, with its unit in its name. `home` has none: it depends on the user. */
export const DEFAULTS: Omit<Config, 'home'> = {
  host: '127.0.0.1',
  port: 8420,
  accountId: '000000000000',
  region: 'us-east-1',
  databaseUrl: null,
  allowedHosts: [],
  logLevel: 'info',
  watch: [],
  auth: { required: true, anonymous: null },
  limits: {
    payloadBytes: 6 * MiB, // Lambda's 6 MB (6,291,456)
    streamBytes: 200 * MiB, // Lambda's 200 MB
    queueLength: 100,
    queueMs: 1_000,
    reserveBytes: 512 * MiB,
    instances: 10_000,
    // Two a core: an init phase waits now and then.
    startsAtOnce: Math.max(4, 2 * availableParallelism()),
    // A fork never does. One a core and one that its parent makes keep all busy; more are only in the way of what is served, fewer start less a second.
    forksAtOnce: availableParallelism() + 1,
    initMs: 10_000, // Lambda's
    deployInitMs: 130_000,
    sourceBytes: 512 * MiB,
    unpackedBytes: 262_144_000, // Lambda's 250 MB
    logBytes: 64 * MiB,
    drainMs: 10_000,
    // A machine of one's own has no quota; whoever shares it may set some.
    callsPerSecond: null,
    callsPerReserved: null,
    requestsPerKey: null,
    snapshotsAtOnce: null,
  },
  fleet: {
    keepAlive: 'histogram',
    histogramMinutes: 60,
    eviction: 'greedyDual',
    residentBytes: null,
    prewarmsPerMinute: 30,
    backgroundAtOnce: 1,
    keepAliveMs: 10 * 60_000,
    lingerMs: 50,
    snapshotKeepMs: 60 * 60_000,
    greetingMs: 2_000,
  },
  events: {
    payloadBytes: MiB, // Lambda's 1 MB (1,048,576)
    inFlight: 128,
    perFunction: 32,
    keepMs: 7 * 24 * 60 * 60_000,
    keepCount: 1_000_000,
  },
  metering: {
    flushMs: 250,
    // This month and the three before it, whatever their lengths.
    keepDays: 124,
    currency: 'USD',
    // AWS Lambda, us-east-1, x86, first tier
    pricePerGbSecond: '0.0000166667',
    pricePerMillionRequests: '0.20',
    // EC2 t3.medium (2 vCPU, 4 GiB) on demand, us-east-1
    alwaysOnPerHour: '0.0416',
  },
};
