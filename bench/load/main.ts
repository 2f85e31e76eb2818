// The load generator: a process of its own, so that what drives a benchmark does not share a thread with what reports it.
import { burst } from './burst.ts';
import { closedLoop } from './closed-loop.ts';
import { openLoop } from './open-loop.ts';
import type { LoadResult, Plan } from './plan.ts';

/** What it says to its parent. */
export type Said = { readonly startedMs: number } | { readonly result: LoadResult } | { readonly error: string };

process.once('disconnect', () => process.exit());
process.once('message', (plan: Plan) => {
  carryOut(plan).then(
    (result) => say({ result }),
    (error: unknown) => say({ error: String(error) }),
  );
});

function carryOut(plan: Plan): Promise<LoadResult> {
  switch (plan.mode) {
    case 'closed':
      return closedLoop(plan);
    case 'open':
      return openLoop(plan);
    case 'burst':
      return burst(plan, (startedMs) => say({ startedMs }));
  }
}

function say(said: Said): void {
  process.send?.(said);
}
