import { createHash } from 'node:crypto';
import { readFile, realpath, writeFile } from 'node:fs/promises';
import { dirname, isAbsolute, join, normalize } from 'node:path';
import { HearthError } from '../errors.ts';
import type { Interpreters } from './interpreters.ts';
import { copyPaths, digestPaths, within } from './local-paths.ts';
import type { Recipe, RecipeRequest } from './recipe.ts';

/** The recipe for a folder's requirements.txt; null when it has none or an empty one. */
export async function pipRecipe(request: RecipeRequest, interpreters: Interpreters): Promise<Recipe | null> {
  const text = await readFile(join(request.source, 'requirements.txt'), 'utf8').catch(() => null);
  if (text === null || requirementLines(text).length === 0) return null;
  const interpreter = await interpreters.find(request.runtime);
  if (interpreter === null) {
    const found = (await interpreters.found()).map((i) => `${i.language} ${i.version} (${i.path})`).join(', ') || 'none';
    throw new HearthError(
      'BuildFailed',
      `requirements.txt can't be installed: no interpreter on this machine runs ${request.runtime}. Found: ${found}.`,
    );
  }
  const locals = await localPaths(request.source, 'requirements.txt');
  const decisive = {
    tool: 'pip 2', // raise when this file installs differently
    files: await digestPaths(request.source, ['requirements.txt', ...locals]),
    version: /^\d+\.\d+/.exec(interpreter.version)?.[0] ?? interpreter.version,
    platform: `${process.platform}-${process.arch}`,
    installScripts: request.installScripts,
  };
  // Building a source distribution runs its code, as an npm install script does.
  const source = request.installScripts ? [] : ['--only-binary', ':all:'];
  const flags = ['--target', 'python', '--no-input', '--no-warn-script-location', '--progress-bar', 'off', ...source];
  return {
    digest: createHash('sha256').update(JSON.stringify(decisive)).digest('hex'),
    command: `python${decisive.version} -m pip install -r requirements.txt`,
    install: async (workshop) => {
      await copyPaths(request.source, ['requirements.txt', ...locals], workshop.folder);
      await withoutEditable(workshop.folder, ['requirements.txt', ...locals]);
      await workshop.handOver();
      return workshop.run(interpreter.path, ['-m', 'pip', 'install', ...flags, '-r', 'requirements.txt']);
    },
    advice: (output) => adviceFor(output, request.installScripts),
  };
}

/** `-e ./package`, `--editable=./package` */
const EDITABLE = /^([^\S\n]*)(?:-e|--editable)(?:[^\S\n]+|=)/gm;

/** What is editable is installed as a link to where it was built, which is gone by the time that the function runs. */
async function withoutEditable(folder: string, paths: readonly string[]): Promise<void> {
  const root = await realpath(folder);
  for (const path of paths.filter((p) => !ARCHIVE.test(p)).map(normalize)) {
    const file = join(root, path);
    if ((await realpath(file).catch(() => null)) !== file) continue; // nothing is there, or a link, which may lead anywhere
    const text = await readFile(file, 'utf8').catch(() => ''); // a package's folder
    const plain = text.replace(EDITABLE, '$1');
    if (plain !== text) await writeFile(file, plain);
  }
}

const UNREACHABLE = /Failed to (?:establish a new connection|resolve)|Could not resolve host|(?:Connect|Read)TimeoutError|ProxyError/;

function adviceFor(output: string, installScripts: boolean): string {
  if (UNREACHABLE.test(output))
    return 'The package index, or what else the output names, can’t be reached from here: see to the network, a proxy or --index-url.';
  if (/No module named pip/.test(output))
    return 'This Python has no pip: install it (python3 -m ensurepip, or the package python3-pip) and deploy again.';
  if (!installScripts && /No matching distribution found|Could not find a version/.test(output)) {
    return 'Only wheels are installed, since building from source runs foreign code. If a package has no wheel, set installScripts: true.';
  }
  return '';
}

const ARCHIVE = /\.(?:whl|tar\.gz|zip)$/;

function requirementLines(text: string): string[] {
  return text
    .replace(/\\\n/g, '')
    .split('\n')
    .map((line) => line.replace(/(^|\s)#.*$/, '').trim())
    .filter((line) => line !== '');
}

/** Files and folders of the source that requirements name: other requirement files (whose own are followed), wheels, packages. */
async function localPaths(source: string, file: string, seen = new Set<string>()): Promise<string[]> {
  const text = await readFile(join(source, file), 'utf8').catch(() => '');
  for (const line of requirementLines(text)) {
    const nested = /^(?:-r|-c|--requirement|--constraint)[\s=]*(.+)$/.exec(line)?.[1];
    for (const path of nested === undefined ? namedBy(line, file) : [beside(file, nested)]) {
      const normal = normalize(path);
      if (!within(normal) || seen.has(normal)) continue;
      seen.add(normal);
      if (nested !== undefined) await localPaths(source, normal, seen);
    }
  }
  return [...seen];
}

function beside(file: string, path: string): string {
  return isAbsolute(path) ? path : join(dirname(file), path);
}

/**
 * Where the package or the folder of packages of a line may be. As pip has it: other requirement files are sought beside the file that names
 * them, folders to find packages in (`-f`) there and then where pip runs, packages only where it runs, which is the root of the source.
 */
function namedBy(line: string, file: string): string[] {
  const folder = /^(?:-f|--find-links)[\s=]*(?:file:(?!\/))?([^\s:]+)$/.exec(line)?.[1];
  if (folder !== undefined) return [beside(file, folder), folder];
  const local =
    /(?:^|@\s*|^(?:-e|--editable)[\s=]*)(?:file:)?(\.{1,2}\/[^\s;]+)/.exec(line)?.[1] ??
    /^([^\s;:]+\.(?:whl|tar\.gz|zip))(?:$|[\s;])/.exec(line)?.[1];
  if (local === undefined) return [];
  return [local.replace(/\[[^\]]*\]$/, '')];
}
