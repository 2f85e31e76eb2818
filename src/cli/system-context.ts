import { isatty } from 'node:tty';
import { systemClock } from '../lib/clock.ts';
import type { Context } from './context.ts';
import { asCliError } from './errors.ts';
import { EXIT } from './exit-codes.ts';
import { Output } from './output.ts';

/** Why what is written reaches nobody. */
const UNHEARD = new Set(['EPIPE', 'ENOSPC', 'EDQUOT']);

/** The process that runs, as commands see it. */
export function systemContext(): Context {
  const { stdout, stderr, env } = process;
  let interrupted: AbortController | undefined;
  const out = new Output({ stdout, stderr, terminals: { stdin: isatty(0), stdout: isatty(1), stderr: isatty(2) }, env });
  // `hearth logs | head`: who no longer reads has had enough. What was begun is ended in order, a server above all.
  stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (!UNHEARD.has(error.code ?? '')) throw error;
    if (error.code !== 'EPIPE') out.error(asCliError(error));
    if (interrupted === undefined) process.exit(error.code === 'EPIPE' ? EXIT.ok : EXIT.usage);
    interrupted.abort();
  });
  // `hearth up 2>&1 | tee log`, and tee ends first: nobody reads remarks any more, which is no reason to end. Nor is a disk with no room for them.
  stderr.on('error', (error: NodeJS.ErrnoException) => {
    if (!UNHEARD.has(error.code ?? '')) throw error;
  });
  return {
    env,
    cwd: process.cwd(),
    clock: systemClock,
    out,
    get stdin() {
      return process.stdin;
    },
    interrupted: () => (interrupted ??= onInterrupt()).signal,
  };
}

function onInterrupt(): AbortController {
  const controller = new AbortController();
  const handle = (): void => {
    if (controller.signal.aborted) process.exit(EXIT.interrupted);
    controller.abort();
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, handle);
  return controller;
}
