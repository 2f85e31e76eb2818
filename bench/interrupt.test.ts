import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { it } from 'node:test';
import { builtFile } from './paths.ts';

it('a Ctrl-C that comes twice, as npm has it, lets go of everything before the process ends, and nobody goes on', async () => {
  const script = `
    import { onInterrupt } from ${JSON.stringify(`file://${builtFile('./interrupt.js')}`)};
    import { Releases } from ${JSON.stringify(`file://${builtFile('./releases.js')}`)};
    const releases = new Releases();
    const heedNoMore = onInterrupt(releases);
    releases.add(async () => {
      console.log('letting go');
      await new Promise((resolve) => process.stdin.once('data', resolve));
      console.log('gone');
    });
    console.log('up');
    setInterval(() => {}, 1000);
    process.once('SIGUSR2', async () => {
      await releases.end();
      await heedNoMore();
      console.log('went on');
    });
  `;
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: ['pipe', 'pipe', 'ignore'] });
  let said = '';
  const until = async (text: string): Promise<void> => {
    while (!said.includes(text)) said += String((await once(child.stdout, 'data'))[0]);
  };
  await until('up\n');
  child.kill('SIGINT');
  await until('letting go\n');
  child.kill('SIGINT');
  child.kill('SIGUSR2');
  const ended = once(child, 'close');
  child.stdout.on('data', (piece: Buffer) => (said += String(piece)));
  child.stdin.end('now\n');
  assert.deepEqual(await ended, [130, null]);
  assert.equal(said, 'up\nletting go\ngone\n');
});
