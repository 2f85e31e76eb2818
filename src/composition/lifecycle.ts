import type { Artifacts } from '../artifacts/artifacts.ts';
import type { FunctionChange, FunctionRegistry } from '../control/registry.ts';
import type { Dispatcher } from '../dispatch/dispatcher.ts';
import type { LocalFleet } from '../fleet/local-fleet.ts';
import type { Clock, Timer } from '../lib/clock.ts';
import type { FunctionLogs } from '../observe/function-logs.ts';
import type { Logger } from '../observe/logger.ts';

/**
 * What becomes of instances when functions change: a new revision serves, the one before it ends. Snapshots of a function that is created by
 * the API (and not by a deployment, which makes them itself) are made on first use.
 */
export function followChanges(
  registry: FunctionRegistry,
  parts: { fleet: LocalFleet; dispatcher: Dispatcher; logs: FunctionLogs; log: Logger },
): void {
  const { fleet, dispatcher, logs, log } = parts;
  for (const version of registry.serving()) fleet.serve(version);
  registry.onChange((change: FunctionChange) => {
    if (change.kind === 'published' && change.version.snapshot === 'onDeploy')
      fleet
        .deploy(change.version)
        .catch((err: unknown) => log.warn({ err, function: change.version.name }, 'a version has no snapshot yet'));
    if ('version' in change) fleet.serve(change.version);
    if (!('previous' in change)) return;
    const { revisionId } = change.previous;
    dispatcher.retire(revisionId);
    fleet.retire(revisionId).catch((err: unknown) => log.error({ err, revisionId }, 'a revision could not be retired'));
    if (change.kind === 'removed')
      logs.remove(change.previous.name).catch((err: unknown) => log.error({ err }, 'a log could not be removed'));
  });
}

const SWEEP_MS = 60 * 60_000;

/** Removes code and dependencies that no function refers to, now and every hour; returns the way to stop. */
export function keepSwept(artifacts: Artifacts, registry: FunctionRegistry, { clock, log }: { clock: Clock; log: Logger }): () => void {
  const sweep = (): void => {
    artifacts.sweep(registry.inUse()).then(
      (bytes) => bytes > 0 && log.info({ bytes }, 'removed what no function refers to'),
      (err: unknown) => log.error({ err }, 'unused artifacts could not be removed'),
    );
    timer = clock.after(SWEEP_MS, sweep);
  };
  let timer: Timer | null = null;
  sweep();
  return () => timer?.cancel();
}
