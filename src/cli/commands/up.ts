import { join } from 'node:path';
import { readLocalKey } from '../../auth/local-key.ts';
import { HearthClient } from '../../client/client.ts';
import { holdOpen } from '../../lib/hold-open.ts';
import type { Context } from '../context.ts';
import { deployAll, outcomesJson, showOutcomes } from '../deploy-view.ts';
import type { Outcome } from '../deployment.ts';
import { startDetached } from '../detached.ts';
import { asCliError } from '../errors.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import { findHearthFile, type HearthFile, loadHearthFile } from '../hearth-file.ts';
import { announce } from '../readiness.ts';
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
  const { home, host, port } = options;
  const config = await configFor(context, { home, host, port });
  const first = readLocalKey(config.home) === null;
  const file = await fileOf(context, options);
  const signal = context.interrupted();
  if (options.detach) {
    await refuseSecond(config.home);
    const started = await startDetached(context, config, signal);
    await settleIn(context, options, { endpoint: started.endpoint, pid: started.pid, home: config.home, first, file, signal });
    context.out.note(`\nrunning in the background (process ${started.pid}, log ${logPathIn(config.home)}); \`hearth down\` ends it`);
    return signal.aborted ? EXIT.interrupted : EXIT.ok;
  }
  const server = await startLocalServer(context, config);
  const held = holdOpen();
  try {
    if (options.announce !== undefined) announce(options.announce, { endpoint: server.endpoint });
    if (!signal.aborted)
      await settleIn(context, options, { endpoint: server.endpoint, pid: process.pid, home: config.home, first, file, signal });
    if (options.announce === undefined) context.out.note(`\nlog: ${server.logPath}; Ctrl-C ends it`);
    if (!signal.aborted) await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
    context.out.note('stopping (Ctrl-C again: at once)');
  } finally {
    await server.close();
    held.release();
  }
  return EXIT.ok;
}

interface Started {
  readonly endpoint: string;
  readonly pid: number;
  readonly home: string;
  /** The server was never started on this home before. */
  readonly first: boolean;
  /** What to deploy. */
  readonly file: HearthFile | null;
  readonly signal: AbortSignal;
}

/** Says where the server is, deploys, and says what to try. A function that fails does not end the server. */
async function settleIn(context: Context, options: UpOptions, started: Started): Promise<void> {
  const { out } = context;
  const { endpoint, pid } = started;
  out.note(`Hearth is up at ${out.mark('bold', endpoint)}`);
  // In the background it is whoever waits that shows it: here it would go into the log.
  if (started.first && options.announce === undefined) showKey(context, started.home);
  const outcomes = await deployed(context, started);
  if (options.json) return out.json({ endpoint, pid, ...(outcomesJson(outcomes) as object) });
  if (outcomes.length > 0) {
    out.note('');
    await showOutcomes(out, outcomes);
  }
  const made = outcomes.find((o) => 'deployed' in o);
  out.note(`\ntry:\n${(made && 'deployed' in made ? afterDeploy(made) : FIRST_STEPS).map((line) => `  ${line}`).join('\n')}`);
}

/** The key of this server, said once. It is only asked for when signatures are: see `hearth keys --help`. */
function showKey({ out }: Context, home: string): void {
  const key = readLocalKey(home);
  if (key === null) return;
  out.note(
    `\nthe key of this server (kept in ${join(home, 'credentials')}):\n  access key id      ${key.id}\n  secret access key  ${key.secret}`,
  );
}

/** The hearth.yaml to deploy, read before the server starts: one that is not there or broken starts nothing. */
async function fileOf(context: Context, options: UpOptions): Promise<HearthFile | null> {
  if (!options.deploy || (await findHearthFile(context.cwd, options.file)) === null) return null;
  return loadHearthFile(context.cwd, options.file);
}

async function deployed(context: Context, { endpoint, home, file, signal }: Started): Promise<readonly Outcome[]> {
  if (file === null) return [];
  const client = new HearthClient(endpoint, readLocalKey(home));
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
