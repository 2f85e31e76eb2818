import { systemClock } from '../lib/clock.ts';
import { loadKernel } from './kernel.ts';
import { lines } from './messages.ts';
import type { Reply, Request } from './messages.ts';
import { Supervisor } from './supervisor.ts';

// The supervisor's process: NDJSON requests on stdin, replies on stdout. It lives as long as its stdin: when the server is
// gone, however it went, everything it had started goes too.

// stdout is a socket: writes don't block, and what the server no longer reads is lost with it.
process.stdout.on('error', () => {});
const send = (reply: Reply): void => void process.stdout.write(`${JSON.stringify(reply)}\n`);

// A signal meant for the whole group (a service being stopped) must not take away the one who cleans up.
for (const name of ['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGQUIT'] as const) process.on(name, () => {});

let supervisor: Supervisor | null = null;
try {
  supervisor = new Supervisor(loadKernel(), systemClock, send);
  send({ event: 'ready' });
} catch (error) {
  send({ event: 'unfit', reason: (error as Error).message });
}

if (supervisor !== null) {
  const s = supervisor;
  // oxlint-disable-next-line no-restricted-globals -- the clock's timers don't hold the process while it cleans up
  const keepAlive = setInterval(() => {}, 1 << 30);
  process.stdin.setEncoding('utf8');
  process.stdin.on('data', lines((line) => s.handle(JSON.parse(line) as Request)) as (chunk: string | Buffer) => void);
  const end = (): void => void s.killAll().finally(() => (clearInterval(keepAlive), process.exit(0)));
  process.stdin.once('close', end);
  process.stdin.on('error', () => {});
}
