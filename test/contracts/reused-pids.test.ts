import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { text } from 'node:stream/consumers';
import { it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { abilities } from './fork-driver-subject.ts';

const program = fileURLToPath(new URL('../fixtures/reused-pids.js', import.meta.url));
/** A PID namespace of its own, so that nothing else of the machine meets a pid again. */
const ISOLATED = ['--pid', '--fork', '--kill-child', '--mount-proc'];

it('what is killed once it has ended leaves the new owner of its pid alone', { skip: cantIsolate(), timeout: 60_000 }, async () => {
  const child = spawn('unshare', [...ISOLATED, process.execPath, program], { stdio: ['ignore', 'pipe', 'pipe'] });
  const [said, complaint] = await Promise.all([text(child.stdout), text(child.stderr)]);
  assert.equal(said, '{"besideInstance":"\\"here\\"","besideSnapshot":"\\"here\\""}\n', complaint);
});

function cantIsolate(): string | false {
  if (!abilities.linux) return 'needs Linux';
  const { status } = spawnSync('unshare', [...ISOLATED, 'test', '-w', '/proc/sys/kernel/ns_last_pid']);
  return status !== 0 && 'choosing the pid of the next process needs root, and unshare of util-linux';
}
