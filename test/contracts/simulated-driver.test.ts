import { SimulatedDriver } from '../../src/drivers/simulated/simulated-driver.ts';
import type { Behaviour as Simulated } from '../../src/drivers/simulated/simulated-driver.ts';
import { VirtualClock } from '../../src/lib/virtual-clock.ts';
import { driverContract } from './driver.contract.ts';
import type { Behaviour } from './driver.contract.ts';
import { behaviourSpec } from './fork-driver-subject.ts';

const usual: Simulated = { initMs: 20, forkMs: 5, runtimeMs: 50, memoryBytes: 1 << 20, handler: ({ body }) => ({ ms: 1, body }) };
const thrown = { errorType: 'RangeError', errorMessage: 'out of range' };
const exited = { errorType: 'Runtime.ExitError', errorMessage: 'RequestId: 0 Error: Runtime exited with error: exit status 3' };

const BEHAVIOURS: Readonly<Record<Behaviour, Simulated>> = {
  echo: usual,
  throws: { ...usual, handler: () => ({ ms: 1, errorType: thrown.errorType, body: Buffer.from(JSON.stringify(thrown)) }) },
  exits: {
    ...usual,
    handler: ({ body }) => ({ ms: 1, exit: { code: (JSON.parse(body.toString()) as { code: number }).code, signal: null } }),
  },
  hangs: { ...usual, handler: () => ({ ms: 1e9 }) },
  prints: usual,
  'init-throws': { ...usual, initError: { errorType: 'TypeError', errorMessage: 'init is broken' } },
  'init-hangs': { ...usual, initMs: 1e9 },
  'init-exits': { ...usual, initError: exited },
  'init-leaves-socket': { ...usual, unforkable: 'init left a socket open' },
};

const clock = new VirtualClock();

driverContract('simulated', {
  open: async () => new SimulatedDriver(clock, (name) => BEHAVIOURS[name as Behaviour]),
  spec: (behaviour) => behaviourSpec(behaviour, 'nodejs20.x'),
  async settle(promise) {
    const state = { settled: false };
    const watched = promise.finally(() => (state.settled = true));
    watched.catch(() => {}); // whoever asked is told
    for (let turns = 0; !state.settled && turns < 10_000; turns++) await clock.advance(10);
    return promise;
  },
  skips: { 'passes on what an invocation prints before it says that it has': 'a simulated handler prints one line of its own' },
});
