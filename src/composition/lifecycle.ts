import type { Artifacts } from '../artifacts/artifacts.ts';
import type { Scope } from '../control/function-name.ts';
import { digestsOf } from '../control/known-functions.ts';
import type { LayerVersion, UnfinishedRollout } from '../control/resources.ts';
import type { Clock, Timer } from '../lib/clock.ts';
import type { Logger } from '../observe/logger.ts';
import type { Store } from '../store/store.ts';

/** Who knows what is referred to, by digest. */
interface Uses {
  inUse(): { code: Set<string>; dependencies: Set<string> };
}

const SWEEP_MS = 60 * 60_000;

/** Removes code and dependencies that no function refers to, now and every hour; returns the way to stop. */
export function keepSwept(artifacts: Artifacts, uses: readonly Uses[], { clock, log }: { clock: Clock; log: Logger }): () => void {
  const sweep = (): void => {
    artifacts.sweep(together(uses)).then(
      (bytes) => bytes > 0 && log.info({ bytes }, 'removed what no function refers to'),
      (err: unknown) => log.error({ err }, 'unused artifacts could not be removed'),
    );
    timer = clock.after(SWEEP_MS, sweep);
  };
  let timer: Timer | null = null;
  sweep();
  return () => timer?.cancel();
}

function together(uses: readonly Uses[]): ReturnType<Uses['inUse']> {
  const all = uses.map((u) => u.inUse());
  return { code: new Set(all.flatMap((u) => [...u.code])), dependencies: new Set(all.flatMap((u) => [...u.dependencies])) };
}

/** What functions and layers of other accounts and regions refer to, which this server does not change. */
export async function usedElsewhere(store: Pick<Store, 'functions' | 'resources'>, scope: Scope): Promise<Uses> {
  const isElsewhere = (r: Scope): boolean => r.accountId !== scope.accountId || r.region !== scope.region;
  const resources = (await store.resources.all()).filter(isElsewhere);
  const replaced = resources.filter((r) => r.kind === 'rollout').map((r) => (r.document as UnfinishedRollout).previous);
  const versions = [...(await store.functions.all()).filter(isElsewhere), ...replaced];
  const layers = resources.filter((r) => r.kind === 'layer-version');
  const used = digestsOf(
    versions,
    layers.map((r) => r.document as LayerVersion),
  );
  return { inUse: () => used };
}
