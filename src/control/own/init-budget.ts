import { HearthError } from '../../errors.ts';
import type { FunctionVersion } from '../../model/function-version.ts';
import type { Platform, Preparation } from './platform.ts';

/** A machine that is busy with something else makes any init phase long: one that is over is run again, and the shortest counts. */
const RUNS = 3;
const NAMED_MODULES = 3;

/** Throws InitBudgetExceeded when the version's init phase takes longer, or fails. Nothing of what serves is touched. */
export async function holdToBudget(version: FunctionVersion, budgetMs: number, platform: Platform): Promise<void> {
  let shortest: NonNullable<Preparation['init']> | null = null;
  for (let run = 0; run < RUNS; run++) {
    const { init, failure } = await platform.tryInit(version);
    if (failure !== null)
      throw overBudget(`the init phase failed: ${failure.errorType}: ${failure.errorMessage}`, {
        budgetMs,
        initMs: null,
        slowestModules: [],
      });
    if (init === null || init.durationMs <= budgetMs) return;
    if (shortest === null || init.durationMs < shortest.durationMs) shortest = init;
  }
  const { durationMs, slowestModules } = shortest!;
  const slow = slowestModules.slice(0, NAMED_MODULES).map(({ name, ms }) => `${name} ${rounded(ms)} ms`);
  const why = slow.length === 0 ? '' : `; slowest modules: ${slow.join(', ')}`;
  const what = `the init phase takes ${rounded(durationMs)} ms (the shortest of ${RUNS} runs), the budget is ${rounded(budgetMs)} ms${why}`;
  throw overBudget(what, { budgetMs, initMs: durationMs, slowestModules });
}

function overBudget(what: string, details: Record<string, unknown>): HearthError {
  return new HearthError('InitBudgetExceeded', `${what}. Nothing was deployed: what served before serves on.`, { details });
}

function rounded(ms: number): string {
  return ms < 10 ? ms.toFixed(1) : String(Math.round(ms));
}
