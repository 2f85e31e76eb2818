import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { type FakeHearth, fakeHearth, json } from './testing/fake-hearth.ts';
import { folder, hearth } from './testing/run-hearth.ts';

/** No JavaScript number is the first; the second is a text. */
const IDS = '{"id":1234567890123456789,"text":"1234567890123456789"}';
const PATH = '/2015-03-31/functions/hello/invocations';

describe('hearth invoke', () => {
  let server: FakeHearth;
  before(async () => {
    server = await fakeHearth({
      [`POST ${PATH}`]: (seen, response) => {
        const headers = {
          'x-amz-executed-version': '$LATEST',
          'x-amzn-requestid': 'r-1',
          'x-hearth-cold-rung': 'snapshot',
          'x-hearth-cold-ms': '7.5',
        };
        json(response, 200, { got: JSON.parse(seen.body.toString()) }, headers);
      },
      'POST /2015-03-31/functions/ids/invocations': (_, response) => void response.end(IDS),
      'POST /2015-03-31/functions/broken/invocations': (_, response) =>
        json(
          response,
          200,
          { errorType: 'Error', errorMessage: 'no' },
          { 'x-amz-function-error': 'Unhandled', 'x-amz-log-result': Buffer.from('the log\n').toString('base64') },
        ),
      'POST /2015-03-31/functions/busy/invocations': (_, response) =>
        json(
          response,
          429,
          { Reason: 'ReservedFunctionConcurrentInvocationLimitExceeded', message: 'Rate Exceeded.' },
          { 'x-amzn-errortype': 'TooManyRequestsException' },
        ),
      'POST /2015-03-31/functions/failing/invocations': (_, response) =>
        json(response, 500, { message: 'oh' }, { 'x-amzn-errortype': 'ServiceException' }),
      'POST /2015-03-31/functions/big/invocations': (_, response) =>
        json(response, 413, { message: 'too big' }, { 'x-amzn-errortype': 'RequestTooLargeException' }),
    });
  });
  after(() => server.close());
  const run = (...args: string[]) => hearth(['invoke', ...args, '--endpoint', server.endpoint]);

  it('sends --data and prints the answer for people', async () => {
    const { code, stdout, stderr } = await run('hello', '--data', '{"a": 1}');
    assert.deepEqual([code, stderr], [0, '']);
    assert.equal(stdout, '{\n  "got": {\n    "a": 1\n  }\n}\n');
  });

  it('prints an answer as it is that has a number which JavaScript would change', async () => {
    assert.equal((await run('ids')).stdout, `${IDS}\n`);
  });

  it('prints one document with --json', async () => {
    const { code, stdout } = await run('hello', '--json');
    assert.equal(code, 0);
    const { durationMs, ...rest } = JSON.parse(stdout);
    assert.ok(durationMs > 0);
    assert.deepEqual(rest, {
      statusCode: 200,
      functionError: null,
      executedVersion: '$LATEST',
      requestId: 'r-1',
      payload: { got: {} },
      coldRung: 'snapshot',
      coldMs: 7.5,
      handlerMs: null,
    });
  });

  it('prints the bytes untouched with --raw', async () => {
    const { stdout } = await run('hello', '--raw', '--data', '[1]');
    assert.equal(stdout, '{"got":[1]}');
  });

  it('reads standard input with --file -', async () => {
    const { stdout } = await hearth(['invoke', 'hello', '--file', '-', '--raw', '--endpoint', server.endpoint], {
      input: '{"from":"stdin"}',
    });
    assert.equal(stdout, '{"got":{"from":"stdin"}}');
  });

  it('wraps a picture as the request that a function URL would make of it', async () => {
    await using here = await folder();
    const picture = Buffer.from([0xff, 0xd8, 0xff, 0x00, 0x80]);
    await writeFile(join(here.path, 'a b.JPG'), picture);
    const { code, stdout } = await hearth(['invoke', 'hello', '--file', 'a b.JPG', '--raw', '--endpoint', server.endpoint], {
      cwd: here.path,
    });
    assert.equal(code, 0);
    const { got } = JSON.parse(stdout);
    assert.equal(got.isBase64Encoded, true);
    assert.equal(got.headers['content-type'], 'image/jpeg');
    assert.deepEqual(Buffer.from(got.body, 'base64'), picture);
    assert.equal(got.requestContext.http.method, 'POST');
  });

  it('sends a JSON file as the event', async () => {
    await using here = await folder();
    await writeFile(join(here.path, 'event.json'), '{"x": true}');
    const { stdout } = await hearth(['invoke', 'hello', '--file', 'event.json', '--raw', '--endpoint', server.endpoint], {
      cwd: here.path,
    });
    assert.equal(stdout, '{"got":{"x":true}}');
  });

  it('ends with 1 when the function answers with an error, its payload still on stdout, its log on stderr', async () => {
    const { code, stdout, stderr } = await run('broken', '--log');
    assert.equal(code, 1);
    assert.equal(JSON.parse(stdout).errorMessage, 'no');
    assert.match(stderr, /the log\n[^]*error: the function ended with an error \(Unhandled\)/);
    const asJson = await run('broken', '--json');
    assert.equal(asJson.code, 1);
    assert.equal(JSON.parse(asJson.stdout).functionError, 'Unhandled');
  });

  for (const [name, code, words] of [
    ['busy', 4, 'TooManyRequestsException: Rate Exceeded. (ReservedFunctionConcurrentInvocationLimitExceeded)'],
    ['nobody', 5, 'ResourceNotFoundException'],
    ['big', 6, 'RequestTooLargeException'],
    ['failing', 7, 'ServiceException'],
  ] as const) {
    it(`ends with ${code} when the server answers ${words}`, async () => {
      const { stdout, stderr, ...run1 } = await run(name, '--json');
      assert.equal(run1.code, code);
      assert.match(stderr, /^error: .+\nfix: .+\n$/);
      const { error } = JSON.parse(stdout);
      assert.equal(error.exitCode, code);
      assert.ok(error.message.startsWith(words), error.message);
    });
  }

  it('ends with 2 for what is not JSON, not a file, or too much of it', async () => {
    for (const args of [
      ['--data', '{a}'],
      ['--file', 'nowhere.json'],
      ['--data', '{}', '--file', 'x.json'],
      ['--colour', 'red'],
    ]) {
      const { code, stdout, stderr } = await run('hello', ...args);
      assert.deepEqual([code, stdout], [2, ''], args.join(' '));
      assert.match(stderr, /^error: [^\n]*\nfix: /);
    }
    await using here = await folder();
    await writeFile(join(here.path, 'broken.json'), '{a');
    const { stderr } = await run('hello', '--file', join(here.path, 'broken.json'));
    assert.match(stderr, /broken\.json is not JSON: [^\n]*\nfix: correct it; /);
  });

  it('ends with 3 when no server answers', async () => {
    const gone = await fakeHearth();
    await gone.close();
    const { code, stderr } = await hearth(['invoke', 'hello'], { env: { HEARTH_ENDPOINT: gone.endpoint } });
    assert.equal(code, 3);
    assert.equal(
      stderr,
      `error: no server answers at ${gone.endpoint}\nfix: start one with \`hearth up\`, or name another with --endpoint\n`,
    );
  });

  it('ends with 3 when the connection breaks before the answer is whole', async () => {
    server.routes.set('POST /2015-03-31/functions/cut/invocations', (_, response) => {
      response.writeHead(200, { 'content-length': '100' }).write('{"a"');
      setImmediate(() => response.destroy());
    });
    const { code, stdout } = await run('cut');
    assert.deepEqual([code, stdout], [3, '']);
  });

  it('ends with 3 when what answers is not Hearth', async () => {
    server.routes.set('POST /2015-03-31/functions/foreign/invocations', (_, response) => void response.writeHead(502).end('<html>'));
    const { code, stderr } = await run('foreign');
    assert.equal(code, 3);
    assert.match(stderr, /is not Hearth/);
  });
});
