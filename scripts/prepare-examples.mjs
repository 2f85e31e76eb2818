// What the tests of the examples need beyond the project's own packages: the detector's dependencies and its model. Where they can't be had
// (no registry in reach) it says so, and those tests skip.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const DETECT = fileURLToPath(new URL('../examples/detect', import.meta.url));

/** Installs and converts what is missing. Never fails: the tests say what they skip and why. */
export function prepareExamples(stderr = process.stderr) {
  /** @type {{ makes: string, program: string, args: string[] }[]} */
  const steps = [
    { makes: 'node_modules/onnxruntime-node', program: 'npm', args: ['ci', '--ignore-scripts', '--no-audit', '--no-fund'] },
    { makes: 'models/centernet.onnx', program: process.execPath, args: ['convert.mjs'] },
  ];
  for (const { makes, program, args } of steps) {
    if (existsSync(join(DETECT, makes))) continue;
    stderr.write(`test: preparing examples/detect/${makes}\n`);
    const { status, stderr: said } = spawnSync(program, args, { cwd: DETECT, encoding: 'utf8' });
    if (status !== 0)
      stderr.write(`test: examples/detect/${makes} could not be made, its tests will skip: ${said.trim().split('\n')[0] ?? ''}\n`);
  }
}
