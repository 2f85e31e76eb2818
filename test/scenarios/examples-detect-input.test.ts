import assert from 'node:assert/strict';
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { buildDetect, type BuiltDetect, demoPicture, detectIsMissing, type DetectHandler, EXAMPLES } from './examples-folder.ts';

const CUP = Buffer.from(demoPicture('coffee.png'), 'base64');

/** Serves the cup, and all that an address can do instead. */
function serve(): Server {
  return createServer((request, response) => {
    const [, what, count] = request.url!.split('/');
    if (what === 'cup') response.end(CUP);
    else if (what === 'huge') writeForever(response);
    else if (what === 'away') response.writeHead(302, { location: 'file:///etc/hostname' }).end();
    else if (what === 'hops') response.writeHead(302, { location: count === '1' ? '/cup' : `/hops/${Number(count) - 1}` }).end();
    else response.writeHead(404).end();
  });
}

function writeForever(response: import('node:http').ServerResponse): void {
  const chunk = Buffer.alloc(1024 * 1024);
  const more = () => {
    while (!response.destroyed && response.write(chunk));
  };
  response.on('drain', more);
  more();
}

describe('what examples/detect takes', { skip: detectIsMissing() }, () => {
  let built: BuiltDetect;
  let detect: DetectHandler;
  let origin: string;
  const server = serve();
  const folder = mkdtempSync(join(tmpdir(), 'hearth-detect-input-'));
  before(async () => {
    mkdirSync(join(folder, 'function', 'pictures'), { recursive: true });
    copyFileSync(join(EXAMPLES, 'pictures', 'coffee.png'), join(folder, 'function', 'pictures', 'a cup.png'));
    writeFileSync(join(folder, 'secret.png'), CUP);
    symlinkSync(join(folder, 'secret.png'), join(folder, 'function', 'link.png'));
    built = await buildDetect();
    detect = await built.load({ LAMBDA_TASK_ROOT: join(folder, 'function'), MODEL: join(EXAMPLES, 'detect', 'models', 'centernet.onnx') });
    await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
    origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  after(() => {
    server.closeAllConnections();
    server.close();
    built.remove();
    rmSync(folder, { recursive: true, force: true });
  });

  const base64 = CUP.toString('base64');
  const urlEvent = (rest: object) => ({ requestContext: { http: {} }, ...rest });
  const understood: Record<string, () => unknown> = {
    base64: () => ({ image: base64 }),
    'a data: URL': () => ({ url: `data:image/png;base64,${base64}` }),
    'a data: URL as image': () => ({ image: `data:image/png;base64,${base64}` }),
    'an http: URL': () => ({ url: `${origin}/cup` }),
    'three redirects': () => ({ url: `${origin}/hops/3` }),
    'a file of the function': () => ({ url: 'pictures/a cup.png' }),
    'a file: URL': () => ({ url: 'file:pictures/a%20cup.png' }),
    'JSON as the body of a function URL': () => urlEvent({ body: JSON.stringify({ image: base64 }), isBase64Encoded: false }),
    'a query string': () => urlEvent({ queryStringParameters: { url: `${origin}/cup`, threshold: '0.4' } }),
  };
  for (const [what, event] of Object.entries(understood)) {
    it(`understands ${what}`, async () => {
      const answer = await detect(event());
      const body = typeof answer.body === 'string' ? JSON.parse(answer.body) : answer.body;
      assert.deepEqual([answer.statusCode, body.top_class], [200, 'cup'], JSON.stringify(body));
    });
  }

  const refused: Record<string, [() => unknown, number, RegExp]> = {
    nothing: [() => ({}), 400, /send/],
    'what is no object': [() => null, 400, /send/],
    garbage: [() => ({ image: Buffer.from('no picture').toString('base64') }), 400, /not a picture/],
    'an empty picture': [() => ({ image: '' }), 400, /empty/],
    'half a picture': [() => ({ image: CUP.subarray(0, CUP.length / 2).toString('base64') }), 400, /not a picture/],
    'a drawing': [() => ({ url: 'data:,<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>' }), 400, /svg/],
    'a threshold beyond 1': [() => ({ image: base64, threshold: 7 }), 400, /threshold/],
    'broken JSON': [() => urlEvent({ body: '{"url": ' }), 400, /JSON/],
    'a path out of the function': [() => ({ url: '../secret.png' }), 400, /no file/],
    'an absolute path': [() => ({ url: `file://${join(folder, 'secret.png')}` }), 400, /no file/],
    'a link out of the function': [() => ({ url: 'link.png' }), 400, /no file/],
    'another scheme': [() => ({ url: 'ftp://example.test/cup.png' }), 400, /ftp/],
    'an address that is not there': [() => ({ url: `${origin}/nothing` }), 502, /404/],
    'an address nobody listens on': [() => ({ url: 'http://127.0.0.1:1/' }), 502, /cannot fetch/],
    'a fourth redirect': [() => ({ url: `${origin}/hops/4` }), 502, /redirects/],
    'a redirect to a file': [() => ({ url: `${origin}/away` }), 502, /file:/],
    'a picture without end': [() => ({ url: `${origin}/huge` }), 413, /20 MB/],
  };
  for (const [what, [event, status, message]] of Object.entries(refused)) {
    it(`refuses ${what}`, async () => {
      const answer = await detect(event());
      const body = typeof answer.body === 'string' ? JSON.parse(answer.body) : answer.body;
      assert.equal(answer.statusCode, status);
      assert.match(body.error, message);
    });
  }
});
