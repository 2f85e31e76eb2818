/** Runs the command line, as a person would. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

const HEARTH = fileURLToPath(new URL('../../bin/hearth', import.meta.url));

/** Runs `hearth ARGS --json` and returns what it answered. Throws with what it said when it fails. */
export async function hearth(args, { home }) {
  const child = spawn(process.execPath, [HEARTH, ...args, '--json'], {
    env: { ...process.env, HEARTH_HOME: home, HEARTH_ENDPOINT: '' },
    stdio: ['ignore', 'pipe', 'pipe'],
    // Ctrl-C is for the demo, which ends the server in order.
    detached: true,
  });
  const [stdout, stderr] = [child.stdout, child.stderr].map((stream) => collect(stream));
  // Not 'close': what a server in the background has inherited stays open.
  const exited = new Promise((resolve, reject) => child.once('error', reject).once('exit', resolve));
  const [code] = await Promise.all([exited, once(child.stdout, 'close')]);
  if (code === 0) return JSON.parse(stdout.text);
  throw new Error(`hearth ${args[0]} failed\n${stderr.text.trim() || stdout.text.trim()}`);
}

function collect(stream) {
  const collected = { text: '' };
  stream.setEncoding('utf8').on('data', (chunk) => (collected.text += chunk));
  return collected;
}
