#!/usr/bin/env node
/**
 * Writes a model again so that it loads faster and its weights are a file mapping: `node map-weights.mjs models/centernet.onnx`
 * makes models/centernet.mapped.onnx and models/centernet.mapped.data beside it. Set MODEL to the first; both are deployed.
 *
 * onnxruntime has then optimised the graph already, for the processor of this machine: make it where it will run. `--portable` leaves out what
 * only this kind of processor can do; onnxruntime then rearranges the weights of convolutions when it loads them, which takes memory of its own.
 */
import { existsSync, rmSync, statSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';

/** Smaller constants stay in the graph. */
const LEAST_BYTES = 1024;

/** Returns the paths of graph and weights. */
export async function mapWeights(model, { portable = false } = {}) {
  const { InferenceSession } = await import('onnxruntime-node');
  const name = basename(model, '.onnx');
  const [graph, weights] = ['onnx', 'data'].map((ending) => join(dirname(model), `${name}.mapped.${ending}`));
  rmSync(weights, { force: true }); // it would be appended to
  const session = await InferenceSession.create(model, {
    graphOptimizationLevel: portable ? 'extended' : 'all',
    logSeverityLevel: 3, // it would warn of what is said above
    optimizedModelFilePath: graph,
    extra: {
      session: {
        optimized_model_external_initializers_file_name: basename(weights),
        optimized_model_external_initializers_min_size_in_bytes: String(LEAST_BYTES),
      },
    },
  });
  await session.release();
  return [graph, weights];
}

async function isInstalled() {
  try {
    await import('onnxruntime-node');
    return true;
  } catch (error) {
    if (error.code === 'ERR_MODULE_NOT_FOUND') return false;
    throw error;
  }
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const model = resolve(process.argv.slice(2).find((arg) => !arg.startsWith('--')) ?? 'models/centernet.onnx');
  if (!existsSync(model)) {
    console.error(`there is no ${model}: name an .onnx file`);
    process.exitCode = 1;
  } else if (!(await isInstalled())) {
    console.error('onnxruntime-node is not installed here: npm ci --ignore-scripts');
    process.exitCode = 1;
  } else {
    for (const path of await mapWeights(model, { portable: process.argv.includes('--portable') }))
      console.log(`${path}: ${(statSync(path).size / 1e6).toFixed(1)} MB`);
  }
}
