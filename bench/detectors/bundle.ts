import { cp, mkdtemp, rm, symlink } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { build } from 'esbuild';
import { inRepository } from '../paths.ts';
import type { Releases } from '../releases.ts';

const EXAMPLE = inRepository('examples/detect');
const PICTURE = inRepository('examples/pictures/coffee.png');

/** What everyone is asked. */
export const EVENT = { url: basename(PICTURE) };

/** The example as Hearth bundles it, for those that run it without Hearth. */
export interface DetectorBundle {
  readonly handler: string;
  readonly env: NodeJS.ProcessEnv;
}

/** Installs the example's packages where they are missing. Rejects with npm's words. */
export async function bundleDetector(releases: Releases, tell: (message: string) => void): Promise<DetectorBundle> {
  if (!existsSync(join(EXAMPLE, 'node_modules/onnxruntime-node'))) {
    tell('installing the packages of examples/detect (npm ci)');
    await promisify(execFile)('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund'], { cwd: EXAMPLE });
  }
  const folder = await mkdtemp(join(tmpdir(), 'hearth-detector-'));
  releases.add(() => rm(folder, { recursive: true, force: true }));
  const handler = join(folder, 'index.mjs');
  await build({
    entryPoints: [join(EXAMPLE, 'index.ts')],
    outfile: handler,
    bundle: true,
    platform: 'node',
    format: 'esm',
    packages: 'external',
    logLevel: 'silent',
  });
  await symlink(join(EXAMPLE, 'node_modules'), join(folder, 'node_modules'));
  await cp(join(EXAMPLE, 'models'), join(folder, 'models'), { recursive: true });
  await cp(PICTURE, join(folder, basename(PICTURE)));
  return { handler, env: { PATH: process.env['PATH'], LAMBDA_TASK_ROOT: folder } };
}
