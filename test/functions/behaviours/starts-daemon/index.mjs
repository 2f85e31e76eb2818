import { spawn } from 'node:child_process';

/** Leaves a process that has left its session and its parents; answers with its pid, then ends as it is told. */
export const handler = (event) =>
  new Promise((resolve) => {
    const child = spawn('/bin/sh', ['-c', `setsid sh -c "sleep ${event.seconds ?? 1000} & echo \\$!"`], { stdio: ['ignore', 'pipe', 'ignore'] });
    child.stdout.once('data', (pid) => (event.exit ? process.exit(1) : resolve(Number(pid))));
  });
