import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { open, stat } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { HearthClient } from '../client/client.ts';
import type { Config } from '../config/config.ts';
import type { Context } from './context.ts';
import { CliError } from './errors.ts';
import { EXIT } from './exit-codes.ts';
import { refuseFewOpenFiles } from './open-files.ts';
import { readinessOn } from './readiness.ts';
import { SERVER_HEAP } from './server-heap.ts';
import { makeHome } from './home.ts';
import { interrupted, logPathIn } from './server.ts';

/** How much of the log is shown when the server does not come up. */
const TAIL_BYTES = 4_096;

/**
 * Starts `hearth up` in a session of its own and returns once it answers. Its readiness comes on a pipe, never from
 * looking again and again; its error comes there, too, and when it ends without a word the end of its log becomes the error. Interrupted by `signal` before it answers, it is
 * ended again: nobody was told of it. `anonymous`: asked for on the command line.
 */
export async function startDetached(
  context: Context,
  config: Config,
  { anonymous, signal }: { anonymous: boolean; signal: AbortSignal },
): Promise<{ endpoint: string; pid: number }> {
  refuseFewOpenFiles();
  const home = await makeHome(config.home);
  const logPath = logPathIn(config.home);
  const before = await stat(logPath).then(
    (info) => info.size,
    () => 0,
  );
  const log = openSync(logPath, 'a');
  const child = spawnServer(context, config, { log, anonymous });
  closeSync(log);
  const ended = new Promise((resolve) => child.once('exit', resolve).once('error', resolve));
  const end = (): void => void child.kill('SIGTERM');
  if (signal.aborted) end();
  signal.addEventListener('abort', end);
  const ready = await readinessOn(child.stdio[3] as Readable);
  signal.removeEventListener('abort', end);
  if (signal.aborted) {
    await ended;
    await home.undo();
    throw interrupted();
  }
  if (ready !== null && 'error' in ready) {
    await ended;
    const gone = ready.error.exitCode === EXIT.usage && (await home.undo());
    throw new CliError(ready.error.message, { ...(gone ? {} : { fix: `the whole log is ${logPath}` }), ...ready.error });
  }
  child.unref();
  if (ready === null || child.pid === undefined) {
    const fix = `the whole log is ${logPath}; without --detach the error comes to the terminal`;
    throw new CliError('the server ended before it was ready', { fix, output: await tail(logPath, before), exitCode: EXIT.serverError });
  }
  const client = new HearthClient(ready.endpoint);
  try {
    if (!(await client.healthy(AbortSignal.timeout(10_000))))
      throw new CliError(`the server at ${ready.endpoint} is not well`, { fix: `look at ${logPath}`, exitCode: EXIT.serverError });
  } finally {
    client.close();
  }
  return { endpoint: ready.endpoint, pid: child.pid };
}

/** `log`: descriptor that its output goes to. What it says of being ready comes on descriptor 3. */
function spawnServer(context: Context, config: Config, { log, anonymous }: { log: number; anonymous: boolean }): ChildProcess {
  const main = fileURLToPath(new URL('./main.js', import.meta.url));
  return spawn(
    process.execPath,
    [
      ...SERVER_HEAP,
      main,
      'up',
      '--no-deploy',
      '--announce',
      '3',
      '--home',
      config.home,
      '--host',
      config.host,
      '--port',
      String(config.port),
      ...(anonymous ? ['--anonymous'] : []),
    ],
    { detached: true, stdio: ['ignore', log, log, 'pipe'], env: context.env, cwd: config.home },
  );
}

async function tail(path: string, from: number): Promise<string> {
  await using file = await open(path);
  const { size } = await file.stat();
  const start = Math.max(size < from ? 0 : from, size - TAIL_BYTES);
  const { buffer, bytesRead } = await file.read(Buffer.alloc(size - start), 0, size - start, start);
  return buffer.toString('utf8', 0, bytesRead);
}
