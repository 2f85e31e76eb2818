import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { it } from 'node:test';
import { fileURLToPath } from 'node:url';

const MODULE = fileURLToPath(new URL('./session-priority.js', import.meta.url));
const PROGRAM = `
  import { readFileSync } from 'node:fs';
  import { preferThisSession } from ${JSON.stringify(MODULE)};
  preferThisSession();
  process.stdout.write(readFileSync('/proc/self/autogroup', 'latin1'));`;

/** What the session of a Node.js process has come to, which leads one or is in ours. */
async function autogroup(detached: boolean): Promise<string> {
  const child = spawn(process.execPath, ['--input-type=module', '-e', PROGRAM], { detached, stdio: ['ignore', 'pipe', 'inherit'] });
  return (await child.stdout.setEncoding('utf8').toArray()).join('');
}

const skip = !existsSync('/proc/self/autogroup') && 'this kernel has no autogroups';

it('raises the share of a session that it leads, as root, and of no other', { skip }, async () => {
  const root = process.getuid?.() === 0;
  assert.match(await autogroup(true), root ? /nice -5/ : /nice 0/);
  assert.doesNotMatch(await autogroup(false), /nice -5/);
});
