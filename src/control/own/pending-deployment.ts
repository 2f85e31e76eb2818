import { HearthError } from '../../errors.ts';
import type { FunctionVersion } from '../../model/function-version.ts';
import type { FunctionManifest } from '../../model/manifest.ts';
import type { PendingDeployment } from '../resources.ts';
import type { OwnDeps } from './api.ts';

/** What invokes a function, and how it is invoked asynchronously. */
export async function configure(
  version: FunctionVersion,
  { triggers, async }: Pick<PendingDeployment, 'triggers' | 'async'>,
  deps: OwnDeps,
): Promise<void> {
  await deps.triggers.reconcile(version, triggers);
  await deps.events.configure(version, async);
}

/**
 * Runs a deployment from the storing of its revision to the end. What it is to make of what invokes the function is kept meanwhile, since that changes last: killed
 * before, or while the database is away, the next start does it. Throws what the work throws, and before it what the store throws.
 */
export async function keptPending<T>(
  { name, manifest }: { readonly name: string; readonly manifest: FunctionManifest },
  deps: OwnDeps,
  work: () => Promise<T>,
): Promise<T> {
  const before = deps.registry.get(name)?.revisionId ?? null;
  await deps.resources.put('pending-deployment', name, { before, triggers: manifest.triggers, async: manifest.async ?? null }, null);
  let stays = false;
  try {
    return await work();
  } catch (error) {
    stays = error instanceof HearthError && error.code === 'ServiceUnavailable';
    throw error;
  } finally {
    if (!stays) await forget(name, deps);
  }
}

/** Ends the deployments that a killed server did not: one whose revision is there, as it was wanted; one whose revision is not, by forgetting it. Never rejects. */
export async function finishPending(deps: OwnDeps): Promise<void> {
  for (const { key: name, document } of deps.resources.list('pending-deployment')) {
    await deps.deployments.take(name, async () => {
      const version = deps.registry.get(name);
      try {
        if (version !== null && version.revisionId !== document.before) await configure(version, document, deps);
        await deps.resources.remove('pending-deployment', name);
      } catch (error) {
        deps.report(error, `the end of a deployment of ${name}`);
      }
    });
  }
}

async function forget(name: string, deps: OwnDeps): Promise<void> {
  try {
    await deps.resources.remove('pending-deployment', name);
  } catch (error) {
    deps.report(error, `deploy ${name}`); // the next start makes the same of it once more
  }
}
