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

/** The same, as a manifest says it. */
export const invokedBy = ({ triggers, async }: FunctionManifest): Pick<PendingDeployment, 'triggers' | 'async'> => ({
  triggers,
  async: async ?? null,
});

/**
 * Before its revision is stored: what a deployment is to make of what invokes the function is kept until it has ended, since that changes last. Killed before, or while
 * the database is away, the next start does it. Throws what the store throws.
 */
export async function keepPending(
  { name, manifest }: { readonly name: string; readonly manifest: FunctionManifest },
  deps: OwnDeps,
): Promise<void> {
  const before = deps.registry.get(name)?.revisionId ?? null;
  await deps.resources.put('pending-deployment', name, { before, ...invokedBy(manifest) }, null);
}

/** It has ended, by an `error` or not: nothing of it is kept, unless the database was away. Never rejects. */
export async function forgetPending(name: string, deps: OwnDeps, error: unknown = null): Promise<void> {
  if (error instanceof HearthError && error.code === 'ServiceUnavailable') return;
  try {
    await deps.resources.remove('pending-deployment', name);
  } catch (failure) {
    deps.report(failure, `deploy ${name}`); // the next start makes the same of it once more
  }
}

/**
 * Ends the deployments that a killed server did not: one whose revision is there, as it was wanted; one whose revision is not, by forgetting it. One whose revision is
 * still to be tried is ended when that is known, which nobody waits for. Never rejects.
 */
export async function finishPending(deps: OwnDeps): Promise<void> {
  for (const { key: name, document } of deps.resources.list('pending-deployment')) {
    const version = deps.registry.get(name);
    const wanted = version !== null && version.revisionId !== document.before ? version : null;
    if (wanted === null || !deps.platform.isTaking(wanted)) await finish(name, { version: wanted, document }, deps);
    else void finishTaking(wanted, { document, isLast: deps.deployments.registered(name) }, deps);
  }
}

/** `version`: what is to be invoked as the deployment wanted; null: nothing is. */
async function finish(
  name: string,
  { version, document }: { readonly version: FunctionVersion | null; readonly document: PendingDeployment },
  deps: OwnDeps,
): Promise<void> {
  await deps.deployments.take(name, async () => {
    try {
      if (version !== null) await configure(version, document, deps);
      await deps.resources.remove('pending-deployment', name);
    } catch (error) {
      deps.report(error, `the end of a deployment of ${name}`);
    }
  });
}

async function finishTaking(
  version: FunctionVersion,
  { document, isLast }: { readonly document: PendingDeployment; readonly isLast: () => boolean },
  deps: OwnDeps,
): Promise<void> {
  try {
    const { failure } = await deps.platform.prepare(version);
    if (isLast()) await finish(version.name, { version: failure?.undone === true ? null : version, document }, deps);
  } catch (error) {
    deps.report(error, `the end of a deployment of ${version.name}`); // this server ends, too: the next one does it
  }
}
