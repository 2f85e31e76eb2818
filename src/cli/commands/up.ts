import { readLocalKey } from '../../auth/local-key.ts';
import { HearthClient } from '../../client/client.ts';
import { holdOpen } from '../../lib/hold-open.ts';
import type { Config } from '../../config/config.ts';
import type { Context } from '../context.ts';
import { exitCodeOf, deployAll, outcomesJson, showOutcomes } from '../deploy-view.ts';
import { failureOf, type Outcome } from '../deployment.ts';
import { startDetached } from '../detached.ts';
import { asCliError } from '../errors.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import { count, duration } from '../format.ts';
import { homeOf } from '../endpoint.ts';
import { shellWord } from '../shell-word.ts';
import { findHearthFile, type HearthFile, loadHearthFile } from '../hearth-file.ts';
import { announce } from '../readiness.ts';
import { sayWhoMay } from '../who-may.ts';
import { configFor, logPathIn, refuseSecond, type ServerOptions, startLocalServer } from '../server.ts';

export interface UpOptions extends ServerOptions {
  readonly detach?: boolean;
  readonly file?: string;
  /** False with `--no-deploy`. */
  readonly deploy: boolean;
  readonly json?: boolean;
  /** Descriptor to say "ready" on, when a parent waits for it. */
  readonly announce?: number;
}

/** `hearth up`: a server here until Ctrl-C (or in the background), with the functions of hearth.yaml if there is one. */
export async function up(context: Context, options: UpOptions): Promise<ExitCode> {
  const { home, host, port, anonymous } = options;
  const config = await configFor(context, { home, host, port, anonymous });
  const first = readLocalKey(config.home) === null;
  const file = await fileOf(context, options);
  const signal = context.interrupted();
  if (options.detach) {
    await refuseSecond(config.home);
    const made = await startDetached(context, config, { anonymous: anonymous === true, signal });
    const outcomes = await settleIn(context, options, { endpoint: made.endpoint, pid: made.pid, config, first, file, signal });
    const ends = `hearth down${isUsual(context, config) ? '' : ` --home ${shellWord(config.home)}`}`;
    context.out.note(`\nrunning in the background (process ${made.pid}, log ${logPathIn(config.home)}); \`${ends}\` ends it`);
    return signal.aborted ? EXIT.interrupted : exitCodeOf(outcomes);
  }
  const server = await startLocalServer(context, config, signal).catch((error: unknown) => {
    if (options.announce !== undefined) announceFailure(options.announce, error);
    throw error;
  });
  const held = holdOpen();
  try {
    if (options.announce !== undefined) announce(options.announce, { endpoint: server.endpoint });
    if (!signal.aborted) await settleIn(context, options, { endpoint: server.endpoint, pid: process.pid, config, first, file, signal });
    if (options.announce === undefined) context.out.note(`\nlog: ${server.logPath}; Ctrl-C ends it`);
    if (!signal.aborted) await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
    context.out.note(stopping(server.running, config.limits.drainMs));
    if (!(await server.drain()) && server.running > 0) context.out.note(`${server.running} still running: ended`);
  } finally {
    await server.close();
    held.release();
  }
  return EXIT.ok;
}

function stopping(running: number, drainMs: number): string {
  if (running === 0 || drainMs === 0) return 'stopping (Ctrl-C again: at once)';
  return `stopping: ${count(running, 'invocation')} may take up to ${duration(drainMs)} to end (Ctrl-C again: at once)`;
}

/** For whoever waits; an error that nobody foresaw is told with its stack, by the log. */
function announceFailure(fd: number, error: unknown): void {
  const { message, fix, output, exitCode } = asCliError(error);
  if (exitCode !== EXIT.internal) announce(fd, { error: { message, output, exitCode, ...(fix === null ? {} : { fix }) } });
}

interface Started {
  readonly endpoint: string;
  readonly pid: number;
  readonly config: Config;
  /** The server was never started on this home before. */
  readonly first: boolean;
  /** What to deploy. */
  readonly file: HearthFile | null;
  readonly signal: AbortSignal;
}

/** Says where the server is, deploys, and says what to try. A function that fails does not end the server. */
async function settleIn(context: Context, options: UpOptions, started: Started): Promise<readonly Outcome[]> {
  const { out } = context;
  const { endpoint, pid } = started;
  out.note(`Hearth is up at ${out.mark('bold', endpoint)}`);
  // In the background it is whoever waits that shows it: here it would go into the log.
  if (options.announce === undefined) sayWhoMay(context, started.config, started.first);
  const outcomes = await deployed(context, started);
  if (options.json) {
    out.json({ endpoint, pid, ...(outcomesJson(outcomes) as object) });
    return outcomes;
  }
  if (outcomes.length > 0) {
    out.note('');
    await showOutcomes(out, outcomes);
  }
  const steps = nextSteps(outcomes);
  if (!isUsual(context, started.config))
    steps.unshift(`export HEARTH_HOME=${shellWord(started.config.home)}     # this server, for the hearth command`);
  out.note(`\ntry:\n${steps.map((line) => `  ${line}`).join('\n')}`);
  return outcomes;
}

/** Of a function that can't run there is nothing to try. */
function nextSteps(outcomes: readonly Outcome[]): string[] {
  const made = outcomes.find((o) => failureOf(o) === null);
  if (made !== undefined && 'deployed' in made) return afterDeploy(made);
  return outcomes.length === 0 ? [...FIRST_STEPS] : ['hearth deploy         again, once what is wrong is mended'];
}

/** Whether other commands find this server without being told its home. */
function isUsual({ env }: Context, { home }: Config): boolean {
  return home === homeOf(env);
}

/** The hearth.yaml to deploy, read before the server starts: one that is not there or broken starts nothing. */
async function fileOf(context: Context, options: UpOptions): Promise<HearthFile | null> {
  if (!options.deploy || (await findHearthFile(context.cwd, options.file)) === null) return null;
  return loadHearthFile(context.cwd, options.file);
}

async function deployed(context: Context, { endpoint, config, file, signal }: Started): Promise<readonly Outcome[]> {
  if (file === null) return [];
  const client = new HearthClient(endpoint, readLocalKey(config.home));
  try {
    return await deployAll(context, client, file.functions, { signal });
  } catch (error) {
    if (!signal.aborted) context.out.error(asCliError(error));
    return [];
  } finally {
    client.close();
  }
}

const FIRST_STEPS = ['hearth init hello     write a first function', 'hearth deploy         deploy the functions of hearth.yaml'];

function afterDeploy({ name, deployed }: Extract<Outcome, { deployed: unknown }>): string[] {
  const url = deployed.url === null ? [] : [`curl ${deployed.url}`];
  return [`hearth invoke ${name} --data '{}'`, ...url, `hearth logs ${name} -f`, 'hearth ps', 'hearth usage'];
}
