import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { pathToFileURL } from 'node:url';
import { buildDetect, type BuiltDetect, demoPicture, detectIsMissing, type DetectHandler, SHARED } from './examples-folder.ts';

const YOLO = join(SHARED, 'models', 'yolo26n_int8w.onnx');
const BUS = join(SHARED, 'images', 'bus.jpg');

describe('examples/detect', { skip: detectIsMissing() }, () => {
  let built: BuiltDetect;
  let detect: DetectHandler;
  before(async () => {
    built = await buildDetect();
    detect = await built.load();
  });
  after(() => built.remove());

  it('sees a cup on a dining table', async () => {
    const { statusCode, body } = await detect({ image: demoPicture('coffee.png') });
    assert.equal(statusCode, 200);
    assert.equal(body.top_class, 'cup');
    assert.deepEqual(body.objects.map((o) => o.class).toSorted(), ['cup', 'diningtable']);
    assert.equal(body.objects_detected, 2);
    assert.deepEqual(body.image, { width: 600, height: 400 });
    const [x1, y1, x2, y2] = body.objects[0]!.box;
    assert.ok(
      x1 > 120 && x1 < 200 && x2 > 380 && x2 < 450 && y1 >= 0 && y1 < 60 && y2 > 220 && y2 <= 400,
      `the cup is at ${body.objects[0]!.box.join(', ')}`,
    );
    for (const step of ['decodeMs', 'inferenceMs', 'totalMs']) assert.ok(body.timings[step]! > 0, `${step} is ${body.timings[step]}`);
  });

  it('reports nothing below the threshold', async () => {
    const { body } = await detect({ image: demoPicture('coffee.png'), threshold: 0.99 });
    assert.deepEqual([body.objects_detected, body.top_class, body.objects], [0, null, []]);
  });

  it('answers a function URL in text, for a picture as its body', async () => {
    const answer = await detect({ requestContext: { http: {} }, body: demoPicture('astronaut.png'), isBase64Encoded: true });
    assert.equal(typeof answer.body, 'string');
    assert.equal(JSON.parse(answer.body as unknown as string).top_class, 'person');
  });

  it('gives boxes in the upright picture, however the camera was held', async () => {
    const upright = await detect({ image: demoPicture('coffee.png') });
    // 6: to be turned a quarter clockwise to be looked at.
    const turned = await turn(Buffer.from(demoPicture('coffee.png'), 'base64'), 6);
    const { body } = await detect({ image: turned.toString('base64') });
    assert.deepEqual(body.image, { width: 600, height: 400 });
    const cup = body.objects.find((o) => o.class === 'cup');
    assert.ok(cup, 'no cup in the turned picture');
    cup.box.forEach((edge, i) =>
      assert.ok(
        Math.abs(edge - upright.body.objects[0]!.box[i]!) < 15,
        `${cup.box.join(', ')} is not ${upright.body.objects[0]!.box.join(', ')}`,
      ),
    );
  });

  it(
    'takes an end-to-end YOLO export by setting one variable',
    { skip: !existsSync(YOLO) && 'no YOLO export beside the repository' },
    async () => {
      const yolo = await built.load({ MODEL: YOLO });
      const { body } = await yolo({ image: readFileSync(BUS).toString('base64') });
      assert.equal(body.top_class, 'bus');
      assert.equal(body.objects.filter((o) => o.class === 'person' && o.score > 0.8).length, 3);
      assert.deepEqual(body.image, { width: 810, height: 1080 });
      body.objects[0]!.box.forEach((edge, i) =>
        assert.ok(Math.abs(edge - [21.6, 220, 810, 770][i]!) < 12, `the bus is at ${body.objects[0]!.box.join(', ')}`),
      );
    },
  );

  it('says which models it reads when given another', async () => {
    await assert.rejects(built.load({ MODEL: 'package.json' }), /package\.json/);
  });

  it(
    'leaves no thread of its own after init, so that it can be forked',
    { skip: process.platform !== 'linux' && 'threads are counted in /proc' },
    () => {
      const script = `
      import fs from 'node:fs';
      await fs.promises.readFile('/dev/null'); // starts libuv's own threads
      const threads = () => fs.readdirSync('/proc/self/task').length;
      const before = threads();
      await import(${JSON.stringify(pathToFileURL(built.file).href)});
      console.log(JSON.stringify({ before, after: threads() }));`;
      const environment = { ...process.env, MODEL: 'models/centernet.onnx' };
      const output = execFileSync(process.execPath, ['--single-threaded', '--input-type=module', '-e', script], {
        encoding: 'utf8',
        env: environment,
      });
      const { before: baseline, after: afterInit } = JSON.parse(output) as { before: number; after: number };
      assert.equal(afterInit, baseline);
    },
  );
});

/** Lays a picture on its side and notes in its EXIF how it is to be turned back. */
async function turn(picture: Buffer, orientation: 6): Promise<Buffer> {
  interface Sharp {
    rotate(degrees: number): Sharp;
    jpeg(options: { quality: number }): Sharp;
    withMetadata(options: { orientation: number }): Sharp;
    toBuffer(): Promise<Buffer>;
  }
  const { createRequire } = await import('node:module');
  const sharp = createRequire(join(import.meta.dirname, '..', '..', '..', 'examples', 'detect', 'index.ts'))('sharp') as (
    input: Buffer,
  ) => Sharp;
  return sharp(picture).rotate(-90).withMetadata({ orientation }).jpeg({ quality: 95 }).toBuffer();
}
