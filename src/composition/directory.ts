import { join } from 'node:path';
import type { Artifacts } from '../artifacts/artifacts.ts';
import type { AccessKey } from '../auth/keys.ts';
import { Sources } from '../control/own/sources.ts';
import { FunctionRegistry } from '../control/registry.ts';
import { Resources } from '../control/resources.ts';
import type { Dispatcher } from '../dispatch/dispatcher.ts';
import type { LocalFleet } from '../fleet/local-fleet.ts';
import { systemRandom } from '../lib/random.ts';
import type { FunctionLogs } from '../observe/function-logs.ts';
import type { Store } from '../store/store.ts';
import type { Base } from './base.ts';
import { openKeys } from './keys.ts';
import { keepSwept, usedElsewhere } from './lifecycle.ts';
import { keepRetention } from './log-retention.ts';
import { chainsOf } from './loops.ts';
import { keepHabits } from './residency.ts';
import { Rollouts } from './rollouts.ts';

const KEEP_SOURCE_MS = 60 * 60_000;

interface Parts {
  readonly store: Store;
  /** Whether no other database refers to what lies in the home. */
  readonly sole: boolean;
  readonly fleet: LocalFleet;
  readonly dispatcher: Dispatcher;
  readonly logs: FunctionLogs;
  readonly artifacts: Artifacts;
  /** The server's own key. */
  readonly key: AccessKey;
  /** What functions are given. */
  readonly functionsKey: AccessKey;
}

/** Functions and what belongs to them, which of their revisions serve, and who may use them: all that is looked up in memory. */
export async function openFunctions(base: Base, { store, sole, fleet, dispatcher, logs, artifacts, key, functionsKey }: Parts) {
  const { config, clock, ids, log, closing } = base;
  const scope = { accountId: config.accountId, region: config.region };
  const resources = await Resources.load(store.resources, scope);
  const registry = await FunctionRegistry.load({ store: store.functions, resources, clock, ids, random: systemRandom, scope });
  closing.add('habits', await keepHabits(fleet.habits, store.habits, { clock, log }));
  const rollouts = Rollouts.follow({ registry, resources, fleet, dispatcher, logs, log });
  base.drain.add(async () => rollouts.end());
  if (sole) {
    closing.add('the sweep of code', keepSwept(artifacts, [rollouts, await usedElsewhere(store, scope)], { clock, log }));
    // Before one of the same name can be made anew, and would have it for its own.
    const names = new Set((await store.functions.all()).map((version) => version.name));
    await logs
      .retain(names)
      .catch((err: unknown) => log.warn({ err }, 'logs of functions that are gone could not be removed; the next start tries again'));
  }
  closing.add('retention of logs', keepRetention(base, { registry, resources, logs }));
  const chains = chainsOf(resources, functionsKey);
  return { resources, registry, rollouts, chains, ...openKeys(base, { resources, local: key, functions: functionsKey }) };
}

/** Where deployments put what they upload. */
export async function openSources({ config, clock, closing }: Base): Promise<Sources> {
  const folder = join(config.home, 'sources');
  const sources = await Sources.open({ folder, clock, maxBytes: config.limits.sourceBytes, keepMs: KEEP_SOURCE_MS });
  closing.add('sources', () => sources.close());
  return sources;
}
