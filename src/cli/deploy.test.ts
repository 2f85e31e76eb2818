import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import type { ServerResponse } from 'node:http';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { deployedLine, type FakeHearth, fakeHearth, lines } from './testing/fake-hearth.ts';
import { folder, hearth, start } from './testing/run-hearth.ts';

const YAML = `functions:
  good:
    runtime: nodejs20.x
    handler: index.handler
    code: ./good
    memoryMb: 256
  bad:
    runtime: nodejs20.x
    handler: index.handler
    code: ./bad
`;

async function project(yaml = YAML): ReturnType<typeof folder> {
  const here = await folder();
  for (const name of ['good', 'bad']) {
    await mkdir(join(here.path, name));
    await writeFile(join(here.path, name, 'index.mjs'), 'export const handler = () => 1;\n');
  }
  await writeFile(join(here.path, 'hearth.yaml'), yaml);
  return here;
}

describe('hearth deploy', () => {
  let server: FakeHearth;
  before(async () => {
    server = await fakeHearth({
      'PUT /hearth/v1/functions/good': (_, response) =>
        lines(response, [
          { progress: { step: 'unpack', message: 'unpacked' } },
          deployedLine('good', { init: { durationMs: 5, slowestModules: [], unforkable: 'a thread is left' } }),
        ]),
      'PUT /hearth/v1/functions/bad': (_, response) =>
        lines(response, [
          { progress: { step: 'dependencies', message: 'npm install' } },
          { error: { errorType: 'BuildFailed', message: 'npm failed', output: 'npm ERR! 404' } },
        ]),
    });
  });
  after(() => server.close());

  it('hands over the zip and the manifest less `code`, and shows what came of it', async () => {
    await using here = await project();
    const { code, stdout, stderr } = await hearth(['deploy', 'good', '--endpoint', server.endpoint], { cwd: here.path });
    assert.equal(code, 0, stderr);
    assert.match(stdout, /FUNCTION +VERSION +REVISION +INIT +START +URL\ngood +\$LATEST +11111111 +5 ms +plain +http/);
    assert.match(stderr, /good: packing 1 file, 32 B\ngood: unpacked\ngood: created, init 5 ms\n/);
    assert.match(stderr, /warning: good can't be forked[^\n]*a thread is left/);
    const put = server.seen.findLast((s) => s.method === 'PUT');
    assert.deepEqual(JSON.parse(String(put?.body)), {
      source: 'ab'.repeat(32),
      manifest: { runtime: 'nodejs20.x', handler: 'index.handler', memoryMb: 256 },
      from: { host: hostname(), file: join(here.path, 'hearth.yaml') },
    });
    const post = server.seen.findLast((s) => s.method === 'POST');
    assert.equal(post?.headers['content-type'], 'application/zip');
    assert.equal(post?.body.subarray(0, 2).toString(), 'PK');
  });

  it('reads the sample event from its file, and says so when it can not', async () => {
    await using here = await project(YAML.replace('memoryMb: 256', 'rehearse: events/one.json'));
    const deploy = () => hearth(['deploy', 'good', '--endpoint', server.endpoint], { cwd: here.path });
    assert.match(
      (await deploy()).stderr,
      /error: .*can't read the sample event in .*one\.json: ENOENT.*\nfix: correct `rehearse:` in hearth\.yaml/,
    );
    await mkdir(join(here.path, 'events'));
    await writeFile(join(here.path, 'events/one.json'), '{"size": ');
    assert.match((await deploy()).stderr, /can't read the sample event in .*JSON/);
    await writeFile(join(here.path, 'events/one.json'), '{"size": 1}');
    assert.equal((await deploy()).code, 0);
    const put = server.seen.findLast((s) => s.method === 'PUT');
    assert.deepEqual(JSON.parse(String(put?.body)).manifest, { runtime: 'nodejs20.x', handler: 'index.handler', rehearse: { size: 1 } });
  });

  it('deploys the others when one fails, shows the output of what failed, and ends with 8', async () => {
    await using here = await project();
    const { code, stdout, stderr } = await hearth(['deploy', '--endpoint', server.endpoint], { cwd: here.path });
    assert.equal(code, 8);
    assert.match(stdout, /good/);
    assert.match(stderr, /npm ERR! 404\nerror: bad: npm failed\nfix: /);
  });

  it('ends with 8 when a function is deployed whose init phase fails, and says so', async () => {
    const initError = { errorType: 'Runtime.ImportModuleError', errorMessage: 'no x' };
    const routes = {
      'PUT /hearth/v1/functions/good': (_: unknown, response: ServerResponse) => lines(response, [deployedLine('good', { initError })]),
    };
    await using broken = await fakeHearth(routes);
    await using here = await project();
    const { code, stdout, stderr } = await hearth(['deploy', 'good', '--endpoint', broken.endpoint], { cwd: here.path });
    assert.equal(code, 8);
    assert.match(stdout, /good +\$LATEST/);
    assert.match(stderr, /good: created, init failed\n/);
    assert.match(
      stderr,
      /error: good: it is deployed, but its init phase failed[^\n]*Runtime\.ImportModuleError: no x\nfix: [^\n]*hearth logs good/,
    );
    const json = await hearth(['deploy', 'good', '--json', '--endpoint', broken.endpoint], { cwd: here.path });
    const { functions } = JSON.parse(json.stdout);
    assert.deepEqual([json.code, functions[0].ok, functions[0].deployed.initError], [8, false, initError]);
    assert.match(functions[0].error.message, /init phase failed/);
  });

  it('warns of destinations that are not there, but for those that the same file brings', async () => {
    const missing = [
      { at: 'async.onFailure', kind: 'queue', name: 'failed' },
      { at: 'async.onSuccess', kind: 'function', name: 'bad' },
      { at: 'triggers[0].database.onFailure', kind: 'bucket', name: 'in' },
    ];
    await using gone = await fakeHearth({
      'PUT /hearth/v1/functions/good': (_, response) => lines(response, [deployedLine('good', { missing })]),
      'PUT /hearth/v1/functions/bad': (_, response) => lines(response, [deployedLine('bad')]),
    });
    await using here = await project(`${YAML}    triggers: [objects: in/*.jpg]\n`);
    const warnings = async (...names: string[]): Promise<string[]> => {
      const { code, stderr } = await hearth(['deploy', ...names, '--endpoint', gone.endpoint], { cwd: here.path });
      assert.equal(code, 0, stderr);
      return stderr.split('\n').filter((line) => line.startsWith('warning:'));
    };
    const queue =
      'warning: good: async.onFailure: there is no queue failed, and what is to go there fails until there is: `aws sqs create-queue --queue-name failed` makes it, or correct the name';
    assert.deepEqual(await warnings(), [queue]);
    const alone = await warnings('good');
    assert.deepEqual([alone.length, alone[0]], [3, queue]);
    assert.match(alone[1] ?? '', /async\.onSuccess: there is no function bad, .*deploy one of that name/);
    assert.match(alone[2] ?? '', /there is no bucket in, .*aws s3 mb s3:\/\/in/);
  });

  it('answers one document with --json', async () => {
    await using here = await project();
    const { code, stdout } = await hearth(['deploy', '--json', '--endpoint', server.endpoint], { cwd: here.path });
    assert.equal(code, 8);
    const { functions } = JSON.parse(stdout);
    assert.equal(functions[0].deployed.functionName, 'good');
    assert.deepEqual([functions[1].name, functions[1].ok, functions[1].error.output], ['bad', false, 'npm ERR! 404']);
  });

  it('finds hearth.yaml in a folder above', async () => {
    await using here = await project();
    const { code } = await hearth(['deploy', 'good', '--endpoint', server.endpoint], { cwd: join(here.path, 'bad') });
    assert.equal(code, 0);
  });

  it('points to the line of what is wrong in hearth.yaml, without asking the server', async () => {
    await using here = await project(YAML.replace('memoryMb: 256', 'memoryMB: 256'));
    const before = server.seen.length;
    const { code, stdout, stderr } = await hearth(['deploy', '--endpoint', server.endpoint], { cwd: here.path });
    assert.deepEqual([code, stdout, server.seen.length], [2, '', before]);
    assert.match(
      stderr,
      /^error: .*hearth\.yaml:6:5: functions\.good\.memoryMB: unknown key; did you mean memoryMb\?\nfix: correct that line\n$/,
    );
  });

  it('ends with 2 when there is no hearth.yaml, no such function, no such folder', async () => {
    await using empty = await folder();
    assert.match((await hearth(['deploy', '-f', 'nowhere.yaml'], { cwd: empty.path })).stderr, /error: can't read .*nowhere\.yaml/);
    await using here = await project(YAML.replace('./good', './gone'));
    const unknown = await hearth(['deploy', 'nobody'], { cwd: here.path });
    assert.equal(unknown.code, 2);
    assert.match(unknown.stderr, /no function nobody in .*\nfix: it has good, bad/);
    const gone = await hearth(['deploy', 'good', '--endpoint', server.endpoint], { cwd: here.path });
    assert.equal(gone.code, 2);
    assert.match(gone.stderr, /there is no folder .*gone/);
    await writeFile(join(here.path, 'hearth.yaml'), YAML.replace('./good', './good/index.mjs'));
    const file = await hearth(['deploy', 'good', '--endpoint', server.endpoint], { cwd: here.path });
    assert.match(file.stderr, /index\.mjs is a file, and a function is a folder\nfix: name the folder/);
  });

  it('ends with 3 when the server goes in the middle of a deployment', async () => {
    server.routes.set('PUT /hearth/v1/functions/good', (_, response) => lines(response, [{ progress: { step: 'unpack', message: 'x' } }]));
    await using here = await project();
    const { code, stderr } = await hearth(['deploy', 'good', '--endpoint', server.endpoint], { cwd: here.path });
    assert.equal(code, 3);
    assert.match(stderr, /ended in the middle of the deployment/);
  });

  it('says on Ctrl-C that the server goes on, and ends with 130', async () => {
    await using here = await project();
    let asked = (): void => {};
    const begun = new Promise<void>((resolve) => (asked = resolve));
    await using slow = await fakeHearth({ 'PUT /hearth/v1/functions/good': (_, response) => (response.flushHeaders(), asked()) });
    await using child = start(['deploy', 'good', '--endpoint', slow.endpoint], { cwd: here.path });
    await begun;
    child.kill('SIGINT');
    const { code, stderr } = await child.ended;
    assert.equal(code, 130);
    assert.match(stderr, /error: interrupted: the server goes on with what it was handed\nfix: [^\n]*hearth ps/);
  });
});
