import { driverContract } from './driver.contract.ts';
import { behaviourSpec, openForkDriver, runtimes } from './fork-driver-subject.ts';
import { describe, it } from 'node:test';

for (const { language, runtime, missing } of await runtimes()) {
  if (missing !== null) {
    describe(`driver contract: fork, ${language}`, () => it('runs', { skip: missing }));
    continue;
  }
  driverContract(`fork, ${language}`, {
    open: () => openForkDriver(),
    spec: (behaviour) => behaviourSpec(behaviour, runtime),
    settle: (promise) => promise,
  });
}
