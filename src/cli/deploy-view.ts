import type { HearthClient } from '../client/client.ts';
import type { ListrDefaultRendererLogLevels } from 'listr2';
import type { Context } from './context.ts';
import { type DeployHow, failureOf, type Outcome, tryDeploy } from './deployment.ts';
import { EXIT, type ExitCode } from './exit-codes.ts';
import { duration } from './format.ts';
import type { DeclaredFunction } from './hearth-file.ts';
import { withMissing } from './missing-destinations.ts';
import type { Output } from './output.ts';

/** Functions deployed at once: a build and an init phase each keep a processor busy. */
const AT_ONCE = 2;

/** Deploys functions and shows how far each is: live on a terminal, else a line a step; all of it on stderr. */
export async function deployAll(
  context: Context,
  client: HearthClient,
  functions: readonly DeclaredFunction[],
  how?: DeployHow,
): Promise<readonly Outcome[]> {
  const deploy = context.out.watched ? live : plain;
  return withMissing(await deploy(context, client, functions, how), functions);
}

async function live(
  context: Context,
  client: HearthClient,
  functions: readonly DeclaredFunction[],
  how?: DeployHow,
): Promise<readonly Outcome[]> {
  const { Listr, ListrLogger, ProcessOutput } = await import('listr2');
  const outcomes: Outcome[] = [];
  const processOutput = new ProcessOutput(context.out.stderr, context.out.stderr, { leaveEmptyLine: false });
  const tasks = new Listr(
    functions.map((declared, i) => ({
      title: declared.name,
      task: async (_: unknown, task: { output: string; title: string }) => {
        const outcome = await tryDeploy(client, declared, how, (message) => (task.output = message));
        outcomes[i] = outcome;
        if ('error' in outcome) throw new Error(outcome.error.message);
        task.title = `${declared.name} ${summary(outcome)}`;
      },
    })),
    {
      concurrent: AT_ONCE,
      exitOnError: false,
      registerSignalListeners: false,
      rendererOptions: {
        logger: new ListrLogger<ListrDefaultRendererLogLevels>({ processOutput }),
        collapseErrors: false,
        showErrorMessage: false,
      },
    },
  );
  await tasks.run();
  if (how?.signal?.aborted) throw how.signal.reason;
  return outcomes;
}

async function plain(
  context: Context,
  client: HearthClient,
  functions: readonly DeclaredFunction[],
  how?: DeployHow,
): Promise<readonly Outcome[]> {
  const outcomes: Outcome[] = [];
  const waiting = functions.entries();
  const one = async (): Promise<void> => {
    for (const [i, declared] of waiting) {
      const outcome = await tryDeploy(client, declared, how, (message) => context.out.note(`${declared.name}: ${message}`));
      context.out.note(`${declared.name}: ${'error' in outcome ? 'failed' : summary(outcome)}`);
      outcomes[i] = outcome;
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, one));
  return outcomes;
}

function summary(outcome: Extract<Outcome, { deployed: unknown }>): string {
  const { deployed } = outcome;
  const what = deployed.unchanged ? 'unchanged' : deployed.created ? 'created' : 'updated';
  if (deployed.initError !== null) return `${what}, init failed`;
  return deployed.init === null ? what : `${what}, init ${duration(deployed.init.durationMs)}`;
}

/** The table of what was deployed, then warnings, then the errors of what was not. */
export async function showOutcomes(out: Output, outcomes: readonly Outcome[]): Promise<void> {
  const deployed = outcomes.flatMap((o) => ('deployed' in o ? [o.deployed] : []));
  if (deployed.length > 0) {
    await out.table(
      ['FUNCTION', 'VERSION', 'REVISION', 'INIT', 'START', 'URL'],
      deployed.map((d) => [
        d.functionName,
        d.version,
        d.revisionId.slice(0, 8),
        d.init === null ? '-' : duration(d.init.durationMs),
        d.init === null ? '-' : d.init.unforkable === null ? 'forked' : 'plain',
        d.url ?? '-',
      ]),
    );
  }
  for (const d of deployed) {
    if (d.init?.unforkable) out.warn(`${d.functionName} can't be forked, so each instance runs its own init phase: ${d.init.unforkable}`);
    for (const warning of d.warnings) out.warn(`${d.functionName}: ${warning}`);
  }
  for (const outcome of outcomes) {
    const failure = failureOf(outcome);
    if (failure !== null) out.error(Object.assign(failure, { message: `${outcome.name}: ${failure.message}` }));
  }
}

/** The same for programs. */
export function outcomesJson(outcomes: readonly Outcome[]): unknown {
  return {
    functions: outcomes.map((outcome) => {
      const failure = failureOf(outcome);
      return {
        name: outcome.name,
        ok: failure === null,
        ...('deployed' in outcome ? { deployed: outcome.deployed } : {}),
        ...(failure === null ? {} : { error: { message: failure.message, fix: failure.fix, output: failure.output } }),
      };
    }),
  };
}

/** Ok when all went well; the one code when all failures agree; else that of a failed deployment. */
export function exitCodeOf(outcomes: readonly Outcome[]): ExitCode {
  const codes = new Set(outcomes.flatMap((outcome) => failureOf(outcome)?.exitCode ?? []));
  const [only] = codes;
  return codes.size === 0 ? EXIT.ok : codes.size === 1 && only !== undefined ? only : EXIT.deployFailed;
}
