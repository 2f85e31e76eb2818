import { rm, writeFile } from 'node:fs/promises';
import { join, posix, resolve, sep } from 'node:path';
import { build, formatMessages, type BuildResult, type Message, type Plugin } from 'esbuild';
import { HearthError } from '../errors.ts';
import { exists } from './folders.ts';
import { readPackageJson } from './npm.ts';

type Format = 'esm' | 'cjs';

/** The module part of a handler: `src/index.handler` names `src/index`. */
function handlerModule(handler: string): string {
  const folder = posix.dirname(handler);
  const name = posix.basename(handler).split('.')[0] ?? '';
  return folder === '.' ? name : `${folder}/${name}`;
}

/** The TypeScript file a handler is in, relative to the folder; null when it is JavaScript or not there. */
export async function typescriptEntry(folder: string, handler: string): Promise<string | null> {
  const module = handlerModule(handler);
  for (const extension of ['.js', '.mjs', '.cjs']) if (await exists(join(folder, module + extension))) return null;
  for (const extension of ['.ts', '.mts', '.cts', '.tsx']) if (await exists(join(folder, module + extension))) return module + extension;
  return null;
}

/**
 * Bundles a TypeScript handler with its own files into one `.mjs` or `.cjs` beside it, with a source map, and removes the files that
 * went in. Packages stay external, native modules above all: they are found in node_modules at run time.
 * Throws BuildFailed with esbuild's messages.
 */
export async function bundle(folder: string, entry: string, runtime: string): Promise<void> {
  const wanted = await wantedFormat(folder, entry);
  let result = await run({ folder, entry, runtime, format: wanted ?? 'esm', banner: '' });
  let format: Format = wanted ?? 'esm';
  // As Node.js decides itself: without a word in package.json, a file is what its syntax says.
  if (wanted === null && result.metafile.inputs[entry]?.format === 'cjs') {
    format = 'cjs';
    result = await run({ folder, entry, runtime, format, banner: '' });
  }
  if (format === 'esm' && result.outputFiles.some((f) => f.text.includes('__require('))) {
    // CommonJS among its own files, which asks for built-in modules by require.
    const banner =
      "import { createRequire as __hearthCreateRequire } from 'node:module'; const require = __hearthCreateRequire(import.meta.url);";
    result = await run({ folder, entry, runtime, format, banner });
  }
  for (const file of result.outputFiles) await writeFile(file.path, file.contents, { mode: 0o644 });
  for (const input of Object.keys(result.metafile.inputs)) {
    if (/\.[mc]?tsx?$/.test(input)) await rm(join(folder, input), { force: true });
  }
}

async function wantedFormat(folder: string, entry: string): Promise<Format | null> {
  if (entry.endsWith('.mts')) return 'esm';
  if (entry.endsWith('.cts')) return 'cjs';
  const type = (await readPackageJson(folder))?.['type'];
  return type === 'module' ? 'esm' : type === 'commonjs' ? 'cjs' : null;
}

interface Run {
  readonly folder: string;
  readonly entry: string;
  readonly runtime: string;
  readonly format: Format;
  readonly banner: string;
}

type Result = BuildResult<{ write: false; metafile: true }>;

async function run(r: Run): Promise<Result> {
  const stem = r.entry.replace(/\.[^.]+$/, '');
  try {
    return await build({
      absWorkingDir: r.folder,
      entryPoints: [r.entry],
      outfile: join(r.folder, `${stem}.${r.format === 'esm' ? 'mjs' : 'cjs'}`),
      bundle: true,
      packages: 'external',
      platform: 'node',
      target: `node${/^nodejs(\d+)/.exec(r.runtime)?.[1] ?? '20'}`,
      format: r.format,
      sourcemap: 'linked',
      keepNames: true,
      metafile: true,
      write: false,
      logLevel: 'silent',
      banner: { js: r.banner },
      plugins: [stayInside(r.folder)],
    });
  } catch (error) {
    const messages = (error as { errors?: Message[] }).errors;
    if (messages === undefined) throw error;
    const output = (await formatMessages(messages, { kind: 'error', color: false })).join('').trim();
    const first = messages[0];
    const where = first?.location === null || first === undefined ? '' : ` (${first.location.file}:${first.location.line})`;
    throw new HearthError('BuildFailed', `TypeScript can't be bundled: ${first?.text ?? 'unknown error'}${where}`, { details: { output } });
  }
}

/** The server may read more than the function's author may: nothing from outside of the folder gets into a bundle. */
function stayInside(folder: string): Plugin {
  const root = resolve(folder) + sep;
  return {
    name: 'stay-inside',
    setup(b) {
      b.onLoad({ filter: /.*/, namespace: 'file' }, (args) =>
        args.path.startsWith(root) ? null : { errors: [{ text: `${args.path} is outside of the function's folder` }] },
      );
    },
  };
}
