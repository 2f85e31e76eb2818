import type { InstanceSpec } from '../fleet/driver.ts';
import type { Provision } from '../fleet/provision.ts';
import type { Ids } from '../lib/ids.ts';
import type { FunctionVersion } from '../model/function-version.ts';
import type { InitReport } from '../model/instance.ts';

/**
 * Runs a version's init phase in a process of its own, as its snapshot's would be, and leaves nothing of it: to know what it takes before the
 * version serves. What it prints goes nowhere, since the version may never be. Rejects with InitFailure.
 */
export async function tryInit(version: FunctionVersion, { provision, ids }: { provision: Provision; ids: Ids }): Promise<InitReport> {
  const driver = provision.driver(version.runtime);
  const instance: InstanceSpec = { instanceId: ids.uuid(), logStream: 'trial', log: { line: () => {} } };
  const spec = await provision.startSpec(version, { logStream: instance.logStream, onDemand: false });
  const prepared = await driver.prepare(spec, instance);
  if (prepared.kind === 'snapshot') {
    const { init } = prepared.snapshot;
    await prepared.snapshot.evict();
    return init;
  }
  await prepared.instance.kill();
  return prepared.instance.init ?? { durationMs: 0, slowestModules: [], unforkable: prepared.reason };
}
