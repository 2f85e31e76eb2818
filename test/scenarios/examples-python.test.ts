import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { buildDetect, demoPicture, type DetectAnswer, detectIsMissing, EXAMPLES, SHARED } from './examples-folder.ts';
import { pythonWith, startHandler } from './examples-python-environment.ts';

const YOLO = join(SHARED, 'models', 'yolo26n_int8w.onnx');
const BUS = join(SHARED, 'images', 'bus.jpg');
const noModel =
  !existsSync(join(EXAMPLES, 'detect-python', 'models', 'centernet.onnx')) &&
  'its model is not there: npm run prepare-model --prefix examples/detect';

/** Starts examples/detect-python for one test, or skips it with the reason. */
async function start(t: TestContext, environment: Record<string, string> = {}) {
  const found = await pythonWith('detect-python');
  if ('missing' in found) {
    t.skip(found.missing);
    return null;
  }
  const handler = startHandler(found.python, 'detect-python', { MODEL: 'models/centernet.onnx', ...environment });
  t.after(() => handler.stop());
  return handler;
}

describe('examples/detect-python', { skip: noModel }, () => {
  it('sees what examples/detect sees', async (t) => {
    const python = await start(t);
    if (!python) return;
    const missing = detectIsMissing();
    if (missing) return t.skip(missing);
    const node = await buildDetect();
    t.after(() => node.remove());
    const detect = await node.load();
    for (const picture of ['coffee.png', 'astronaut.png'] as const) {
      const event = { image: demoPicture(picture) };
      const a: DetectAnswer = await detect(event);
      const b: DetectAnswer = await python.call(event);
      assert.deepEqual(Object.keys(b.body).toSorted(), Object.keys(a.body).toSorted());
      assert.deepEqual([b.statusCode, b.body.top_class, b.body.image], [a.statusCode, a.body.top_class, a.body.image]);
      assert.deepEqual(
        b.body.objects.map((o) => o.class),
        a.body.objects.map((o) => o.class),
      );
      // The two decode and scale a picture a little differently.
      b.body.objects.forEach((object, i) => {
        const { box, score } = a.body.objects[i]!;
        assert.ok(Math.abs(object.score - score) < 0.1, `${object.score} is not ${score}`);
        object.box.forEach((edge, e) => assert.ok(Math.abs(edge - box[e]!) < 15, `${object.box.join(', ')} is not ${box.join(', ')}`));
      });
    }
  });

  it('leaves no thread after init and a call, so that it can be forked', async (t) => {
    const python = await start(t, { OPENBLAS_NUM_THREADS: '1' });
    if (!python) return;
    if (process.platform !== 'linux') return t.skip('threads are counted in /proc');
    await python.call({ image: demoPicture('coffee.png') });
    assert.equal(python.threads(), 1);
  });

  it('refuses what is no picture, and reads nothing outside its folder', async (t) => {
    const python = await start(t);
    if (!python) return;
    const refused: [unknown, number, RegExp][] = [
      [{}, 400, /send/],
      [{ image: '' }, 400, /empty/],
      [{ image: Buffer.from('garbage').toString('base64') }, 400, /not a picture/],
      [{ image: demoPicture('coffee.png').slice(0, 40_000) }, 400, /not a picture/],
      [{ url: '../hearth.yaml' }, 400, /no file/],
      [{ url: 'file:///etc/hostname' }, 400, /no file/],
      [{ url: 'ftp://example.test/a.png' }, 400, /ftp/],
      [{ url: 'http://127.0.0.1:1/a.png' }, 502, /cannot fetch/],
      [{ image: 'AAAA', threshold: 2 }, 400, /threshold/],
    ];
    for (const [event, status, message] of refused) {
      const { statusCode, body }: DetectAnswer = await python.call(event);
      assert.equal(statusCode, status, JSON.stringify(event).slice(0, 80));
      assert.match(body.error!, message);
    }
  });

  it('takes an end-to-end YOLO export by setting one variable', async (t) => {
    if (!existsSync(YOLO)) return t.skip('no YOLO export beside the repository');
    const python = await start(t, { MODEL: YOLO });
    if (!python) return;
    const { body } = await python.call<DetectAnswer>({ image: readFileSync(BUS).toString('base64') });
    assert.equal(body.top_class, 'bus');
    assert.equal(body.objects.filter((o) => o.class === 'person' && o.score > 0.8).length, 3);
  });
});

/** Stands for ultralytics, which brings 6 GB of torch: sees one thing in the whole of whatever picture it is given. */
const ULTRALYTICS = `
import numpy as np
from PIL import Image
Image.open = None  # the real one puts its own in its place, too
class Box:
    cls, conf = np.array(0), np.array(0.5)
    def __init__(self, width, height): self.xyxy = np.array([[0, 0, width, height]])
class Result:
    names = {0: "thing"}
    def __init__(self, picture): self.boxes = [Box(*picture.size)] if isinstance(picture, Image.Image) else []
class YOLO:
    def __init__(self, weights): pass
    def __call__(self, picture, verbose): return [Result(picture)]
`;

describe('examples/yolo', () => {
  /** Starts it, with what stands for ultralytics, in a folder of its own with weights. */
  async function startYolo(t: TestContext) {
    const found = await pythonWith('detect-python');
    if ('missing' in found) {
      t.skip(found.missing);
      return null;
    }
    const folder = mkdtempSync(join(tmpdir(), 'hearth-yolo-'));
    t.after(() => rmSync(folder, { recursive: true }));
    writeFileSync(join(folder, 'ultralytics.py'), ULTRALYTICS);
    writeFileSync(join(folder, 'weights.pt'), '');
    const handler = startHandler(found.python, 'yolo', {
      MODEL: join(folder, 'weights.pt'),
      PYTHONPATH: [join(EXAMPLES, 'yolo'), folder].join(delimiter),
    });
    t.after(() => handler.stop());
    return handler;
  }

  it('takes a picture, its base64 or its address, from a caller and by its URL', async (t) => {
    const yolo = await startYolo(t);
    if (!yolo) return;
    const image = demoPicture('coffee.png');
    const server = createServer((_, response) => response.end(Buffer.from(image, 'base64')));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    t.after(() => server.close());
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/coffee.png`;
    for (const event of [
      { image },
      { url },
      { body: image, isBase64Encoded: true },
      { body: JSON.stringify({ url }), isBase64Encoded: false },
      { body: Buffer.from(JSON.stringify({ image })).toString('base64'), isBase64Encoded: true },
    ]) {
      const { statusCode, body }: DetectAnswer = await yolo.call(event);
      assert.deepEqual([statusCode, body.top_class, body.objects_detected], [200, 'thing', 1], Object.keys(event).join());
      assert.deepEqual(body.objects[0]?.box, [0, 0, 600, 400]);
    }
  });

  it('refuses what is no picture', async (t) => {
    const yolo = await startYolo(t);
    if (!yolo) return;
    for (const [event, message] of [
      [{}, /send/],
      [{ url: 'file:///etc/hostname' }, /send/],
      [{ url: 'http://127.0.0.1:1/a.png' }, /refused/],
      [{ image: Buffer.from('garbage').toString('base64') }, /no picture/],
      [{ body: 'garbage' }, /no picture/],
      [{ body: '{garbage' }, /double quotes/],
      [{ body: '{"url": 1}' }, /send/],
    ] as [unknown, RegExp][]) {
      const { statusCode, body }: DetectAnswer = await yolo.call(event);
      assert.equal(statusCode, 400, JSON.stringify(event));
      assert.match(body.error!, message);
    }
  });

  it('says that its weights are missing, before anything is imported', () => {
    const started = spawnSync('python3', ['-c', 'import lambda_function'], {
      cwd: join(EXAMPLES, 'yolo'),
      env: { ...process.env, MODEL: 'none.pt' },
    });
    if (started.error) return;
    assert.match(started.stderr.toString(), /FileNotFoundError: no none\.pt in the function's folder: put the weights there/);
  });
});

describe('the hello examples', () => {
  it('greet in JavaScript', async () => {
    const { handler } = (await import(join(EXAMPLES, 'hello-node', 'index.mjs'))) as {
      handler: (event: unknown, context: object) => Promise<object>;
    };
    const answer = (await handler({ name: 'Ada' }, { awsRequestId: 'r1' })) as { message: string; requestId: string };
    assert.deepEqual([answer.message, answer.requestId], ['Hello, Ada!', 'r1']);
    assert.equal(((await handler(null, { awsRequestId: 'r2' })) as { message: string }).message, 'Hello, world!');
  });

  it('greet in Python', async (t) => {
    try {
      execFileSync('python3', ['--version'], { stdio: 'ignore' });
    } catch {
      return t.skip('no python3');
    }
    const hello = startHandler('python3', 'hello-python');
    t.after(() => hello.stop());
    assert.equal((await hello.call<{ message: string }>({ name: 'Ada' })).message, 'Hello, Ada!');
    assert.equal((await hello.call<{ message: string }>(null)).message, 'Hello, world!');
  });
});
