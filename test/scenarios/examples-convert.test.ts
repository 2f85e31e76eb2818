import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { gzipSync } from 'node:zlib';
import { detectIsMissing, EXAMPLES, SHARED } from './examples-folder.ts';

const MODEL = join(EXAMPLES, 'detect', 'models', 'centernet.onnx');
const REFERENCE = join(SHARED, 'models', 'centernet_fp16w.onnx');

interface Tensor {
  readonly data: Float32Array;
}
interface Session {
  run(feeds: Record<string, unknown>): Promise<Record<string, Tensor>>;
}
interface Onnxruntime {
  readonly InferenceSession: { create(model: string | Uint8Array, options: object): Promise<Session> };
  readonly Tensor: new (type: string, data: Float32Array, shape: number[]) => unknown;
}

const onnxruntime = () => {
  process.env.ORT_DISABLE_TELEMETRY = '1';
  return createRequire(join(EXAMPLES, 'detect', 'index.ts'))('onnxruntime-node') as Onnxruntime;
};
const scripts = (name: string) => import(join(EXAMPLES, 'detect', 'convert', name));

describe('the detector made by examples/detect/convert.mjs', { skip: detectIsMissing() }, () => {
  it(
    'computes what another conversion computes',
    { skip: !existsSync(REFERENCE) && 'no other conversion beside the repository' },
    async () => {
      const { InferenceSession, Tensor } = onnxruntime();
      const noise = Float32Array.from({ length: 3 * 512 * 512 }, (_, i) => (i * 7919) % 256);
      const [ours, theirs] = await Promise.all(
        [join(EXAMPLES, 'detect', 'models', 'centernet.onnx'), REFERENCE].map(async (model) => {
          const session = await InferenceSession.create(model, { intraOpNumThreads: 1 });
          return session.run({ 'tower_0/images': new Tensor('float32', noise, [1, 3, 512, 512]) });
        }),
      );
      for (const output of ['tower_0/keypoints', 'tower_0/wh']) {
        const [a, b] = [ours![output]!.data, theirs![output]!.data];
        assert.equal(a.length, b.length);
        const farthest = a.reduce((most, value, i) => Math.max(most, Math.abs(value - b[i]!)), 0);
        assert.ok(farthest < 1e-4, `${output} differs by ${farthest}`);
      }
    },
  );

  it('is written as ONNX: a graph by hand computes what it says', async () => {
    const { FLOAT, model, node, tensor } = await scripts('onnx.mjs');
    const io = (name: string) => ({ name, shape: [1, 2] });
    const bytes = model({
      name: 'add',
      nodes: [node('Add', ['x', 'y'], 'z')],
      tensors: [tensor('y', [1, 2], FLOAT, Float32Array.of(0.5, -300))],
      inputs: [io('x')],
      outputs: [io('z')],
    });
    const { InferenceSession, Tensor } = onnxruntime();
    const session = await InferenceSession.create(bytes, { intraOpNumThreads: 1 });
    const { z } = await session.run({ x: new Tensor('float32', Float32Array.of(1, 2), [1, 2]) });
    assert.deepEqual([...z!.data], [1.5, -298]);
  });
});

describe('the scripts of examples/detect', () => {
  const script = (path: string, ...given: string[]) => spawnSync(process.execPath, [path, ...given], { encoding: 'utf8' });

  it('say where the model is that need not be made', { skip: !existsSync(MODEL) && 'no model was made' }, () => {
    const { status, stdout } = script(join(EXAMPLES, 'detect', 'convert.mjs'));
    assert.deepEqual([status, /centernet\.onnx is there already/.test(stdout)], [0, true]);
  });

  it('say what to install, and what they did not find', (t) => {
    const folder = mkdtempSync(join(tmpdir(), 'hearth-map-weights-'));
    t.after(() => rmSync(folder, { recursive: true }));
    const copy = join(folder, 'map-weights.mjs');
    cpSync(join(EXAMPLES, 'detect', 'map-weights.mjs'), copy);
    writeFileSync(join(folder, 'model.onnx'), '');
    const [bare, missing] = ['model.onnx', 'none.onnx'].map((name) => script(copy, join(folder, name)));
    assert.deepEqual([bare?.status, bare?.stderr], [1, 'onnxruntime-node is not installed here: npm ci --ignore-scripts\n']);
    assert.deepEqual([missing?.status, /there is no .*none\.onnx/.test(missing?.stderr ?? '')], [1, true]);
  });
});

describe('taking files out of a package', () => {
  it('finds them by name, and says what is missing', async () => {
    const { readTarball } = await scripts('tarball.mjs');
    const tgz = gzipSync(Buffer.concat([entry('package/a', 'first'), entry('package/b', 'x'.repeat(600)), Buffer.alloc(1024)]));
    assert.equal(readTarball(tgz, ['package/b']).get('package/b').toString(), 'x'.repeat(600));
    assert.throws(() => readTarball(tgz, ['package/c']), /no package\/c/);
  });
});

/** One file of a tar archive, whose digests are not looked at. */
function entry(name: string, content: string): Buffer {
  const block = Buffer.alloc(512 + Math.ceil(content.length / 512) * 512);
  block.write(name);
  block.write(content.length.toString(8).padStart(11, '0'), 124);
  block.write(content, 512);
  return block;
}

describe('the pictures of the examples', () => {
  it('are named with their origin in NOTICE', () => {
    const notice = readFileSync(join(EXAMPLES, '..', 'NOTICE'), 'utf8');
    for (const picture of ['coffee.png', 'astronaut.png']) {
      assert.ok(existsSync(join(EXAMPLES, 'pictures', picture)));
      assert.match(notice, new RegExp(`${picture}.+(CC0|Public domain)`));
    }
  });
});
