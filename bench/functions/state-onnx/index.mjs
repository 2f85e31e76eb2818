// Holds a model with STATE_MB of weights, in a file beside its graph (ONNX external data), which onnxruntime maps. Where it may
// rearrange them for its kernels (STATE_KIND=anonymous), as it does by default, they become memory of its own again.
import { closeSync, openSync, writeFileSync, writeSync } from 'node:fs';
import { InferenceSession } from 'onnxruntime-node';
import { bigMatrix } from './graph.mjs';

const side = Math.floor(Math.sqrt((Number(process.env.STATE_MB) * 1e6) / 4));
const PIECE = Buffer.from(new Float32Array(1 << 20).fill(0.001).buffer);

const file = openSync('/tmp/weights', 'w');
for (let left = side * side * 4; left > 0; left -= PIECE.length) writeSync(file, PIECE, 0, Math.min(left, PIECE.length));
closeSync(file);
writeFileSync('/tmp/model.onnx', bigMatrix(side, 'weights'));

const session = await InferenceSession.create('/tmp/model.onnx', {
  intraOpNumThreads: 1,
  interOpNumThreads: 1,
  extra: { session: { disable_prepacking: process.env.STATE_KIND === 'file' ? '1' : '0' } },
});

export const handler = async () => ({ inputs: session.inputNames, weights: side * side * 4 });
