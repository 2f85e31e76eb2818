import { join } from 'node:path';
import type { AccessKey } from '../auth/keys.ts';
import { Sources } from '../control/own/sources.ts';
import { FunctionRegistry } from '../control/registry.ts';
import { Resources } from '../control/resources.ts';
import { systemRandom } from '../lib/random.ts';
import type { Store } from '../store/store.ts';
import type { Base } from './base.ts';
import { openKeys } from './keys.ts';

const KEEP_SOURCE_MS = 60 * 60_000;

/** Functions, what belongs to them, and who may use them: all that is looked up in memory. */
export async function openDirectory(base: Base, { store, local }: { store: Store; local: AccessKey }) {
  const { config, clock, ids } = base;
  const scope = { accountId: config.accountId, region: config.region };
  const resources = await Resources.load(store.resources, scope);
  const registry = await FunctionRegistry.load({ store: store.functions, resources, clock, ids, random: systemRandom, scope });
  return { resources, registry, ...openKeys(base, { resources, local }) };
}

/** Where deployments put what they upload. */
export async function openSources({ config, clock, closing }: Base): Promise<Sources> {
  const folder = join(config.home, 'sources');
  const sources = await Sources.open({ folder, clock, maxBytes: config.limits.sourceBytes, keepMs: KEEP_SOURCE_MS });
  closing.add(() => sources.close());
  return sources;
}
