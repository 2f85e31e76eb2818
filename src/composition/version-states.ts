import { HearthError } from '../errors.ts';
import { snapStarts } from '../control/publishing.ts';
import type { Resources } from '../control/resources.ts';
import type { FailedUpdate, UpdateState } from '../control/update-state.ts';
import type { LocalFleet } from '../fleet/local-fleet.ts';
import type { FunctionVersion } from '../model/function-version.ts';
import type { Logger } from '../observe/logger.ts';

interface VersionStateDeps {
  readonly fleet: LocalFleet;
  readonly resources: Resources;
  readonly log: Logger;
  /** What became of an init phase, in Lambda's words. */
  readonly failureOf: (error: unknown) => FailedUpdate;
}

/**
 * How numbered versions stand that were published with SnapStart, as on Lambda: `InProgress` (Pending) while the snapshot is made, then `Successful`
 * (Active), or `Failed` with the error of the init phase. A failure is kept over restarts. All other versions are there once they are published.
 */
export class VersionStates {
  readonly #deps: VersionStateDeps;
  readonly #preparing = new Set<string>();

  constructor(deps: VersionStateDeps) {
    this.#deps = deps;
  }

  /** Makes the snapshot of a version that was just published. */
  prepare(version: FunctionVersion): void {
    const { fleet, log } = this.#deps;
    const key = keyOf(version);
    if (snapStarts(version)) this.#preparing.add(key);
    fleet
      .deploy(version)
      .catch((err: unknown) => {
        log.warn({ err, function: version.name, version: version.version }, 'a version has no snapshot yet');
        if (this.#preparing.has(key)) return this.#failed(version, err);
      })
      .catch((err: unknown) => log.error({ err, function: version.name }, 'the failure of a version could not be kept'))
      .finally(() => this.#preparing.delete(key));
  }

  of(version: FunctionVersion): UpdateState {
    const key = keyOf(version);
    if (this.#preparing.has(key)) return { status: 'InProgress' };
    const failed = this.#deps.resources.get('version-failure', key);
    // Its init phase is tried again by whoever invokes it.
    if (failed === null || this.#deps.fleet.keeps(version)) return { status: 'Successful' };
    return failed;
  }

  /** Throws as Lambda does for a version whose snapshot is still being made. */
  requireReady(version: FunctionVersion): void {
    if (this.#preparing.size === 0 || !this.#preparing.has(keyOf(version))) return;
    throw new HearthError(
      'SnapStartNotReadyException',
      'Lambda is initializing your function. It will be ready to invoke once your function state becomes ACTIVE.',
      { details: { Type: 'User' } },
    );
  }

  /** The version is no more. */
  forget(version: FunctionVersion): void {
    const { resources, log } = this.#deps;
    const key = keyOf(version);
    this.#preparing.delete(key);
    resources
      .remove('version-failure', key)
      .catch((err: unknown) => log.error({ err }, 'the failure of a version that is gone is still kept'));
  }

  async #failed(version: FunctionVersion, error: unknown): Promise<void> {
    await this.#deps.resources.put('version-failure', keyOf(version), this.#deps.failureOf(error), version.functionId);
  }
}

function keyOf({ functionId, version }: FunctionVersion): string {
  return `${functionId}/${version}`;
}
