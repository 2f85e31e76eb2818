import { type Context, type EndpointOptions, withClient } from '../context.ts';
import { deployAll, exitCodeOf, outcomesJson, showOutcomes } from '../deploy-view.ts';
import { chosen } from '../deployment.ts';
import { CliError } from '../errors.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import { loadHearthFile } from '../hearth-file.ts';

export interface DeployOptions extends EndpointOptions {
  readonly file?: string;
  /** Milliseconds. */
  readonly initBudget?: number;
  readonly json?: boolean;
}

/** `hearth deploy`: makes the functions of hearth.yaml what it says. One that fails does not keep the others. */
export async function deploy(context: Context, names: readonly string[], options: DeployOptions): Promise<ExitCode> {
  const functions = chosen(await loadHearthFile(context.cwd, options.file), names);
  const signal = context.interrupted();
  return withClient(context, options, async (client) => {
    const outcomes = await deployAll(context, client, functions, { initBudgetMs: options.initBudget, signal }).catch((error: unknown) => {
      if (signal.aborted) throw interrupted();
      throw error;
    });
    if (options.json) context.out.json(outcomesJson(outcomes));
    else await showOutcomes(context.out, outcomes);
    return exitCodeOf(outcomes);
  });
}

function interrupted(): CliError {
  return new CliError('interrupted: the server goes on with what it was handed', {
    fix: '`hearth ps` shows which functions have changed; deploy again to be sure',
    exitCode: EXIT.interrupted,
  });
}
