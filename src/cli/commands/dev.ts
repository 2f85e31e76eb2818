import { readLocalKey } from '../../auth/local-key.ts';
import { HearthClient } from '../../client/client.ts';
import { UnreachableError } from '../../client/errors.ts';
import { holdOpen } from '../../lib/hold-open.ts';
import type { Context, EndpointOptions } from '../context.ts';
import { DevSession } from '../dev-session.ts';
import { resolveEndpoint } from '../endpoint.ts';
import { asCliError, CliError } from '../errors.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import { keyFor } from '../key.ts';
import { findHearthFile, type HearthFile, loadHearthFile } from '../hearth-file.ts';
import { logPrinter } from '../log-lines.ts';
import { pause } from '../pause.ts';
import { configFor, startLocalServer } from '../server.ts';
import { sayWhoMay } from '../who-may.ts';

export interface DevOptions extends EndpointOptions {
  readonly file?: string;
  /** Of a server that is started here. */
  readonly anonymous?: boolean;
}

/** How long to wait before asking a server for its log again that went away. */
const AGAIN_MS = 500;

/** `hearth dev`: redeploys on save and shows the log, until Ctrl-C. Starts a server when none is up. */
export async function dev(context: Context, names: readonly string[], options: DevOptions): Promise<ExitCode> {
  const path = await findHearthFile(context.cwd, options.file);
  if (path === null) throw new CliError('there is no hearth.yaml here', { fix: '`hearth init` writes one, or name yours with -f' });
  const first = await loadOrShow(context, path);
  const signal = context.interrupted();
  const server = await serverFor(context, options, signal);
  const client = new HearthClient(server.endpoint, keyFor(context.env));
  const session = new DevSession(context, client, names, signal);
  const held = holdOpen();
  try {
    context.out.note(`watching ${path}; Ctrl-C ends it`);
    await session.start(path, first);
    await followLogs(context, client, { session, several: names.length !== 1 }, signal);
  } finally {
    await session.close();
    client.close();
    await server.close();
    held.release();
  }
  return EXIT.ok;
}

/** A file that is broken at the start is shown, and watched until it is not. */
async function loadOrShow(context: Context, path: string): Promise<HearthFile | null> {
  try {
    return await loadHearthFile(context.cwd, path);
  } catch (error) {
    context.out.error(asCliError(error));
    return null;
  }
}

async function serverFor(
  context: Context,
  options: DevOptions,
  signal: AbortSignal,
): Promise<{ endpoint: string; close(): Promise<void> }> {
  const endpoint = await resolveEndpoint(context.env, options.endpoint);
  const client = new HearthClient(endpoint, keyFor(context.env));
  try {
    await client.status();
    if (options.anonymous) context.out.warn(`--anonymous is for a server that is started here; the one at ${endpoint} stays as it is`);
    return { endpoint, close: async () => {} };
  } catch (error) {
    const named = options.endpoint !== undefined || Boolean(context.env['HEARTH_ENDPOINT']);
    if (named || !(error instanceof UnreachableError && error.refused)) throw error;
  } finally {
    client.close();
  }
  const config = await configFor(context, { anonymous: options.anonymous });
  const first = readLocalKey(config.home) === null;
  const server = await startLocalServer(context, config, signal);
  context.out.note(`no server was up; started one at ${server.endpoint} (log ${server.logPath})`);
  sayWhoMay(context, config, first);
  return server;
}

/** Prints the log as it comes; a server that goes away is waited for, and handed then what it was not. */
async function followLogs(
  context: Context,
  client: HearthClient,
  { session, several }: { readonly session: DevSession; readonly several: boolean },
  signal: AbortSignal,
): Promise<void> {
  const print = logPrinter(context, several);
  let sinceMs = Math.floor(context.clock.now());
  let lost = false;
  while (!signal.aborted) {
    try {
      if (lost && (await client.healthy(signal))) {
        lost = false;
        session.again();
      }
      for await (const line of client.logs({ sinceMs, follow: true, signal })) {
        sinceMs = Math.max(sinceMs, line.timeMs + 1);
        if (session.follows(line.function)) print(line);
      }
    } catch (error) {
      if (signal.aborted) return;
      if (!lost) context.out.warn(`the log is interrupted: ${asCliError(error).message}; trying again`);
      lost = true;
    }
    await pause(context.clock, AGAIN_MS, signal);
  }
}
