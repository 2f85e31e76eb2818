import type { ExitStatus } from './instance.ts';

/** What Lambda's runtime supervisor, written in Go, calls the signals. */
const SIGNAL_WORDS: Readonly<Record<string, string>> = {
  SIGHUP: 'hangup',
  SIGINT: 'interrupt',
  SIGQUIT: 'quit',
  SIGILL: 'illegal instruction',
  SIGTRAP: 'trace/breakpoint trap',
  SIGABRT: 'aborted',
  SIGBUS: 'bus error',
  SIGFPE: 'floating point exception',
  SIGKILL: 'killed',
  SIGUSR1: 'user defined signal 1',
  SIGSEGV: 'segmentation fault',
  SIGUSR2: 'user defined signal 2',
  SIGPIPE: 'broken pipe',
  SIGALRM: 'alarm clock',
  SIGTERM: 'terminated',
};

/** How an extension's end reads on Lambda, after `RequestId: … Error: `. */
export function endWords({ code, signal }: ExitStatus): string {
  return signal === null ? `exit code ${code ?? 0}` : `signal: ${SIGNAL_WORDS[signal] ?? signal}`;
}

/** How a runtime's end reads on Lambda, after `RequestId: … Error: `. */
export function exitWords({ code, signal }: ExitStatus): string {
  if (signal !== null) return `Runtime exited with error: signal: ${SIGNAL_WORDS[signal] ?? signal}`;
  return code === null || code === 0 ? 'Runtime exited without providing a reason' : `Runtime exited with error: exit status ${code}`;
}
