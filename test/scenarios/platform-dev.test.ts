import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { folder, hearth, said, start } from '../../src/cli/testing/run-hearth.ts';
import { runDirectory } from '../../src/composition/run-directory.ts';
import { leavings } from './leavings.ts';
import { languages, TestServer } from './platform-server.ts';
import { until } from './until.ts';

const answering = (word: string): string => `export const handler = async () => { console.log('says ${word}'); return '${word}'; };\n`;

/** A function `a` that answers `one`, declared; where its code is. */
async function project(path: string): Promise<string> {
  const runtime = (await languages())[0]!.runtime;
  const yaml = `functions:\n  a:\n    runtime: ${runtime}\n    handler: index.handler\n    code: ./a\n`;
  await mkdir(join(path, 'a'));
  await writeFile(join(path, 'a', 'index.mjs'), answering('one'));
  await writeFile(join(path, 'hearth.yaml'), yaml);
  return join(path, 'a', 'index.mjs');
}

describe('hearth dev, with a real server', () => {
  test('what is saved is what answers; what is broken is shown and answers as before; what it prints is seen; Ctrl-C leaves the server', async () => {
    await using here = await folder();
    const server = await TestServer.start();
    const code = await project(here.path);
    const env = { HEARTH_ENDPOINT: server.endpoint, HEARTH_HOME: server.home };
    await using child = start(['dev'], { cwd: here.path, env });
    await said(child, 'stderr', 'a created');
    const printed = said(child, 'stdout', 'says one');
    assert.equal((await server.call('a', {})).value, 'one');
    await printed;

    const answers = (word: string) => until(async () => (await server.call('a', {})).value === word);
    await writeFile(code, answering('two'));
    await answers('two');

    const shown = said(child, 'stderr', 'SyntaxError');
    await writeFile(code, 'export const handler = async () => { return \n');
    await shown;
    assert.equal((await server.call('a', {})).value, 'two');

    await writeFile(code, answering('three'));
    await answers('three');

    // An init phase that never ends has two minutes; what is saved then does not wait for it.
    const overtaken = said(child, 'stderr', 'a was saved again');
    const begun = Date.now();
    await writeFile(code, `console.log('begun'); ${answering('never')} await new Promise((over) => setTimeout(over, 600_000));`);
    await until(async () => (await server.client.functions()).some((f) => f.name === 'a' && f.modifiedAtMs >= begun));
    assert.equal((await server.client.functions()).find((f) => f.name === 'a')?.resident, 'snapshot', 'of what serves');
    await writeFile(code, answering('four'));
    await overtaken;
    await answers('four');
    child.kill('SIGINT');
    const { code: exit, stderr } = await child.ended;
    assert.equal(exit, 0, stderr);
    assert.equal((await server.call('a', {})).value, 'four');
    assert.deepEqual(await server.end(), []);
  });

  test('where none is up it starts one, which ends with it and leaves nothing', async () => {
    await using here = await folder();
    await project(here.path);
    const home = join(here.path, 'home');
    await mkdir(home);
    await writeFile(join(home, 'config.yaml'), 'port: 0\n');
    await using child = start(['dev'], { cwd: here.path, env: { HEARTH_HOME: home } });
    await said(child, 'stderr', 'a created');
    const called = await hearth(['invoke', 'a'], { cwd: here.path, env: { HEARTH_HOME: home } });
    assert.equal(JSON.parse(called.stdout), 'one', called.stderr);
    child.kill('SIGINT');
    const { code, stderr } = await child.ended;
    assert.equal(code, 0, stderr);
    assert.deepEqual(leavings(home, runDirectory(home, process.env)), []);
  });
});
