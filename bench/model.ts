import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { promisify } from 'node:util';
import { inRepository } from './paths.ts';

const MODELS = ['examples/detect/models/centernet.onnx', 'examples/detect-python/models/centernet.onnx'];

/** Makes the detectors' model where it is missing. Rejects with the converter's words. */
export async function ensureModel(tell: (message: string) => void): Promise<void> {
  if (MODELS.every((model) => existsSync(inRepository(model)))) return;
  tell('making the detector’s model (examples/detect/convert.mjs)');
  await promisify(execFile)(process.execPath, [inRepository('examples/detect/convert.mjs')]);
}
