import assert from 'node:assert/strict';
import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { deployedLine, type FakeHearth, fakeHearth, json, lines, type Reply, type Seen } from './testing/fake-hearth.ts';
import { folder, said, start } from './testing/run-hearth.ts';

const YAML = 'functions:\n  a:\n    runtime: nodejs20.x\n    handler: index.handler\n    code: ./a\n';

/** A server whose deployments a test can wait for. */
async function server(): Promise<
  FakeHearth & { put(name: string, like?: (manifest: { memoryMb?: number; rehearse?: { n?: number } }) => boolean): Promise<void> }
> {
  const waiting = new Map<string, (seen: Seen) => void>();
  const reply =
    (name: string, line: object): Reply =>
    (seen, response) => {
      lines(response, [line]);
      waiting.get(name)?.(seen);
    };
  const fake = await fakeHearth({
    'GET /hearth/v1/status': (_, response) => json(response, 200, { pid: 1 }),
    'GET /hearth/v1/logs': (_, response) => {
      const line = { timeMs: 1, function: 'a', stream: 'stdout', requestId: null, text: 'a line of the log' };
      response.writeHead(200, { 'content-type': 'application/x-ndjson' }).write(`${JSON.stringify(line)}\n`);
    },
    'PUT /hearth/v1/functions/a': reply('a', deployedLine('a')),
    'PUT /hearth/v1/functions/b': reply('b', { error: { errorType: 'BuildFailed', message: 'tsc failed', output: 'line 3: what?' } }),
  });
  const put: Awaited<ReturnType<typeof server>>['put'] = (name, like = () => true) =>
    new Promise((resolve) => {
      waiting.set(name, (seen) => like(JSON.parse(String(seen.body)).manifest) && resolve());
    });
  return { ...fake, put };
}

describe('hearth dev', () => {
  it('deploys at the start and on save, shows the log and errors, survives a broken file, and ends on SIGINT', async () => {
    await using here = await folder();
    await using fake = await server();
    await mkdir(join(here.path, 'a', 'node_modules'), { recursive: true });
    await mkdir(join(here.path, 'b'));
    await writeFile(join(here.path, 'a', 'index.mjs'), '1');
    await writeFile(join(here.path, 'b', 'index.mjs'), '1');
    const yaml = join(here.path, 'hearth.yaml');
    await writeFile(yaml, YAML);

    await using child = start(['dev'], { cwd: here.path, env: { HEARTH_ENDPOINT: fake.endpoint } });
    await Promise.all([said(child, 'stderr', 'a created in'), said(child, 'stdout', 'a a line of the log')]);

    let put = fake.put('a');
    await writeFile(join(here.path, 'a', 'index.mjs'), '2');
    await put;

    put = fake.put('a');
    await writeFile(join(here.path, 'a', 'draft'), '3');
    await rename(join(here.path, 'a', 'draft'), join(here.path, 'a', 'index.mjs'));
    await put;

    let words = said(child, 'stderr', 'what was deployed stays until then');
    await writeFile(yaml, `${YAML}    memoryMb: [\n`);
    await words;
    words = said(child, 'stderr', 'hearth.yaml is in order again');
    await writeFile(yaml, YAML);
    await words;
    words = said(child, 'stderr', 'fix: put it back; what was deployed stays until then');
    await rm(yaml);
    await words;

    put = fake.put('a', (manifest) => manifest.memoryMb === 256);
    await writeFile(yaml, `${YAML}    memoryMb: 256\n`);
    await put;

    words = said(child, 'stderr', 'b stays as it was');
    await writeFile(yaml, `${YAML}  b:\n    runtime: nodejs20.x\n    handler: index.handler\n    code: ./b\n`);
    await words;

    words = said(child, 'stderr', 'b is no longer in');
    await writeFile(yaml, YAML);
    await words;

    put = fake.put('a');
    await rm(join(here.path, 'a', 'index.mjs'));
    await writeFile(join(here.path, 'a', 'index.mjs'), '4');
    await put;

    child.kill('SIGINT');
    const { code, stderr } = await child.ended;
    assert.equal(code, 0, stderr);
    assert.match(stderr, /line 3: what\?\nerror: b: tsc failed/);
    assert.match(stderr, /hearth\.yaml:\d+:\d+: not valid YAML/);
  });

  it('sees a folder that is removed and made again, and the sample event; shows the log of its own functions only', async () => {
    await using here = await folder();
    await using fake = await server();
    const line = (of: string): string =>
      `${JSON.stringify({ timeMs: 1, function: of, stream: 'stdout', requestId: null, text: `of ${of}` })}\n`;
    fake.routes.set('GET /hearth/v1/logs', (_, response) => {
      response.writeHead(200, { 'content-type': 'application/x-ndjson' }).write(line('stranger') + line('a'));
    });
    const code = join(here.path, 'a');
    const write = async (text: string): Promise<void> => {
      await mkdir(code);
      await writeFile(join(code, 'index.mjs'), text);
    };
    await write('1');
    await writeFile(join(here.path, 'event.json'), '{}');
    await writeFile(join(here.path, 'hearth.yaml'), `${YAML}    rehearse: ./event.json\n`);
    await using child = start(['dev'], { cwd: here.path, env: { HEARTH_ENDPOINT: fake.endpoint } });
    await Promise.all([said(child, 'stderr', 'a created in'), said(child, 'stdout', 'of a')]);

    const gone = said(child, 'stderr', 'there is no folder');
    await rm(code, { recursive: true });
    await gone;
    let put = fake.put('a');
    await write('2');
    await put;
    put = fake.put('a');
    await writeFile(join(code, 'index.mjs'), '3');
    await put;
    const sampled = fake.put('a', ({ rehearse }) => rehearse?.n === 1);
    await writeFile(join(here.path, 'event.json'), '{"n": 1}');
    await sampled;
    child.kill('SIGINT');
    const { code: exit, stdout, stderr } = await child.ended;
    assert.equal(exit, 0, stderr);
    assert.doesNotMatch(stdout, /stranger/);
  });

  it('goes by .hearthignore as it is now, and sees a folder that is moved away and back', async () => {
    await using here = await folder();
    await using fake = await server();
    const code = join(here.path, 'a');
    await mkdir(join(code, 'data'), { recursive: true });
    await writeFile(join(code, 'index.mjs'), '1');
    await writeFile(join(code, '.hearthignore'), 'data/\n');
    await writeFile(join(here.path, 'hearth.yaml'), YAML);
    await using child = start(['dev'], { cwd: here.path, env: { HEARTH_ENDPOINT: fake.endpoint } });
    await Promise.all([said(child, 'stderr', 'a created in'), said(child, 'stdout', 'a a line of the log')]);

    let put = fake.put('a');
    await writeFile(join(code, '.hearthignore'), '\n');
    await put;
    put = fake.put('a');
    await writeFile(join(code, 'data', 'weights'), '2');
    await put;

    const gone = said(child, 'stderr', 'there is no folder');
    await rename(code, `${code}-elsewhere`);
    await gone;
    put = fake.put('a');
    await rename(`${code}-elsewhere`, code);
    await put;
    put = fake.put('a');
    await writeFile(join(code, 'index.mjs'), '3');
    await put;
    child.kill('SIGINT');
    assert.equal((await child.ended).code, 0);
  });

  it('deploys what the server was not handed while it was away, once it is back', async () => {
    await using here = await folder();
    await using fake = await server();
    const deploys = fake.routes.get('PUT /hearth/v1/functions/a');
    const logs = fake.routes.get('GET /hearth/v1/logs');
    const followed = new Promise<() => void>((resolve) => {
      fake.routes.set('GET /hearth/v1/logs', (seen, response) => {
        resolve(() => void response.destroy());
        return logs?.(seen, response);
      });
    });
    fake.routes.set('PUT /hearth/v1/functions/a', async (_, response) => {
      fake.routes.set('PUT /hearth/v1/functions/a', deploys ?? (() => {}));
      const cut = await followed;
      response.destroy();
      cut();
    });
    await mkdir(join(here.path, 'a'));
    await writeFile(join(here.path, 'a', 'index.mjs'), '1');
    await writeFile(join(here.path, 'hearth.yaml'), YAML);
    await using child = start(['dev'], { cwd: here.path, env: { HEARTH_ENDPOINT: fake.endpoint } });
    await Promise.all([said(child, 'stderr', 'a stays as it was'), said(child, 'stderr', 'a created in')]);
    child.kill('SIGINT');
    assert.equal((await child.ended).code, 0);
  });

  it('starts with a file that is broken, and takes it once it is not', async () => {
    await using here = await folder();
    await using fake = await server();
    await mkdir(join(here.path, 'a'));
    await writeFile(join(here.path, 'a', 'index.mjs'), '1');
    await writeFile(join(here.path, 'hearth.yaml'), 'functions: [');
    await using child = start(['dev'], { cwd: here.path, env: { HEARTH_ENDPOINT: fake.endpoint } });
    await said(child, 'stdout', 'a line of the log');
    const put = fake.put('a');
    await writeFile(join(here.path, 'hearth.yaml'), YAML);
    await put;
    child.kill('SIGINT');
    const { code, stderr } = await child.ended;
    assert.equal(code, 0, stderr);
    assert.match(stderr, /^error: .*hearth\.yaml:1:\d+: not valid YAML/);
  });

  it('does not start a server of its own when another was named', async () => {
    await using here = await folder();
    await writeFile(join(here.path, 'hearth.yaml'), YAML);
    const gone = await fakeHearth();
    await gone.close();
    const { code, stderr } = await start(['dev', '--endpoint', gone.endpoint], { cwd: here.path }).ended;
    assert.equal(code, 3);
    assert.match(stderr, /no server answers/);
  });
});
