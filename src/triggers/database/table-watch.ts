import type { Clock, Timer } from '../../lib/clock.ts';
import type { FollowerReport } from './follower.ts';

const WATCH_MS = 30_000;
/** While a table is not there: only to tell when it is. */
const MISSING_MS = 2_000;

/** How a follower's tables are. */
export interface Look {
  readonly notes: readonly string[];
  /** The tables that are not there, when none is. */
  readonly awaited: readonly string[];
  /** Whether one is not there. */
  readonly missing: boolean;
}

/** Looks now and then, sooner while a table is not there, and reports it; a look that fails is a note. Returns the way to stop. */
export function watchTables(
  deps: { readonly clock: Clock; readonly report: Pick<FollowerReport, 'streaming'>; readonly look: () => Promise<Look> },
  first: Pick<Look, 'missing'>,
): () => void {
  const { clock, report } = deps;
  let timer: Timer | null = null;
  const later = (missing: boolean): void => {
    timer = clock.after(missing ? MISSING_MS : WATCH_MS, () => void look(missing));
  };
  const look = async (missing: boolean): Promise<void> => {
    const found = await deps.look().catch((error: unknown) => {
      return { notes: [error instanceof Error ? error.message : String(error)], awaited: [], missing };
    });
    if (timer === null) return; // stopped meanwhile
    report.streaming(found.notes, found.awaited);
    later(found.missing);
  };
  later(first.missing);
  return () => {
    timer?.cancel();
    timer = null;
  };
}
