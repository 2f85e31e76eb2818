import { existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { build } from 'esbuild';

/** The repository, seen from the built test. */
export const REPOSITORY = join(import.meta.dirname, '..', '..', '..');
export const EXAMPLES = join(REPOSITORY, 'examples');

const BESIDE = ['../shared', '../../shared'].map((path) => join(REPOSITORY, path));

/** Models and pictures beside the repository (or its worktree); tests that want them skip where they are not. */
export const SHARED = BESIDE.find((path) => existsSync(path)) ?? BESIDE[0]!;

/** One of the pictures that ship with the examples, in base64. */
export const demoPicture = (name: 'coffee.png' | 'astronaut.png') => readFileSync(join(EXAMPLES, 'pictures', name)).toString('base64');

interface DetectedObject {
  readonly class: string;
  readonly score: number;
  readonly box: readonly [number, number, number, number];
}

/** What a detector answers to a direct invocation. */
export interface DetectAnswer {
  readonly statusCode: number;
  readonly body: {
    readonly error?: string;
    readonly objects_detected: number;
    readonly top_class: string | null;
    readonly objects: readonly DetectedObject[];
    readonly image: { readonly width: number; readonly height: number };
    readonly model: string;
    readonly timings: Readonly<Record<string, number>>;
  };
}

export type DetectHandler = (event: unknown) => Promise<DetectAnswer>;

/** Why examples/detect cannot run here, or false. */
export function detectIsMissing(): string | false {
  const folder = join(EXAMPLES, 'detect');
  if (!existsSync(join(folder, 'node_modules', 'onnxruntime-node')))
    return 'its dependencies are not installed: npm install --prefix examples/detect';
  if (!existsSync(join(folder, 'models', 'centernet.onnx')))
    return 'its model is not there: npm run prepare-model --prefix examples/detect';
  return false;
}

/** examples/detect as a deployment makes it: bundled, its dependencies beside it. */
export interface BuiltDetect {
  readonly file: string;
  /** Loads it with these variables, apart from whatever was loaded before. */
  load(environment?: Record<string, string>): Promise<DetectHandler>;
  remove(): void;
}

export async function buildDetect(): Promise<BuiltDetect> {
  const source = join(EXAMPLES, 'detect');
  const folder = mkdtempSync(join(tmpdir(), 'hearth-detect-'));
  const file = join(folder, 'index.mjs');
  symlinkSync(join(source, 'node_modules'), join(folder, 'node_modules'));
  await build({
    entryPoints: [join(source, 'index.ts')],
    bundle: true,
    format: 'esm',
    platform: 'node',
    packages: 'external',
    outfile: file,
  });
  let loads = 0;
  return {
    file,
    async load(environment = {}) {
      Object.assign(process.env, { LAMBDA_TASK_ROOT: source, MODEL: 'models/centernet.onnx', ...environment });
      const { handler } = (await import(`${pathToFileURL(file).href}?${loads++}`)) as { handler: DetectHandler };
      return handler;
    },
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}
