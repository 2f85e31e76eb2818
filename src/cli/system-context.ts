import { isatty } from 'node:tty';
import { systemClock } from '../lib/clock.ts';
import type { Context } from './context.ts';
import { EXIT } from './exit-codes.ts';
import { Output } from './output.ts';

/** The process that runs, as commands see it. */
export function systemContext(): Context {
  const { stdout, stderr, env } = process;
  // `hearth logs | head`: who no longer reads has had enough.
  stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(EXIT.ok);
    throw error;
  });
  let interrupted: AbortSignal | undefined;
  return {
    env,
    cwd: process.cwd(),
    clock: systemClock,
    out: new Output({ stdout, stderr, terminals: { stdin: isatty(0), stdout: isatty(1), stderr: isatty(2) }, env }),
    get stdin() {
      return process.stdin;
    },
    interrupted: () => (interrupted ??= onInterrupt()),
  };
}

function onInterrupt(): AbortSignal {
  const controller = new AbortController();
  const handle = (): void => {
    if (controller.signal.aborted) process.exit(EXIT.interrupted);
    controller.abort();
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, handle);
  return controller.signal;
}
