import { createHash } from 'node:crypto';
import { mkdir, readFile, realpath, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { HearthError } from '../errors.ts';
import { exists } from './folders.ts';
import type { Interpreters } from './interpreters.ts';
import { copyPaths, digestPaths, within } from './local-paths.ts';
import type { Recipe, RecipeRequest } from './recipe.ts';

/** The members of package.json that decide what is installed; a change of any other needs no new install. */
const FIELDS = [
  'dependencies',
  'optionalDependencies',
  'peerDependencies',
  'peerDependenciesMeta',
  'overrides',
  'bundleDependencies',
] as const;
const LOCKS = ['npm-shrinkwrap.json', 'package-lock.json'] as const;

type PackageJson = Record<string, unknown>;

/** The recipe for a folder's package.json; null when it has none, depends on nothing, or brings its own node_modules. */
export async function npmRecipe(request: RecipeRequest, interpreters: Interpreters): Promise<Recipe | null> {
  const manifest = await readPackageJson(request.source);
  if (manifest === null || !dependsOnAnything(manifest) || (await exists(join(request.source, 'node_modules')))) return null;
  const lockName = await firstExisting(request.source, LOCKS);
  const lock = lockName === null ? null : await readFile(join(request.source, lockName), 'utf8');
  const npmrc = await readFile(join(request.source, '.npmrc'), 'utf8').catch(() => null);
  const locals = localPackages(manifest);
  const decisive = {
    tool: 'npm 1', // raise when this file installs differently
    fields: Object.fromEntries(FIELDS.map((f) => [f, manifest[f]])),
    lock,
    npmrc,
    locals: await digestPaths(request.source, locals),
    runtime: /^nodejs\d+/.exec(request.runtime)?.[0] ?? request.runtime,
    platform: `${process.platform}-${process.arch}`,
    installScripts: request.installScripts,
  };
  const verb = lock === null ? 'install' : 'ci';
  const flags = [
    '--omit=dev',
    `--ignore-scripts=${!request.installScripts}`,
    '--no-audit',
    '--no-fund',
    '--no-progress',
    '--loglevel=warn',
  ];
  return {
    digest: createHash('sha256').update(JSON.stringify(decisive)).digest('hex'),
    command: `npm ${verb} --omit=dev${request.installScripts ? '' : ' --ignore-scripts'}`,
    install: async (workshop) => {
      const node = (await interpreters.find(request.runtime))?.path ?? process.execPath;
      await copyPaths(request.source, locals, workshop.folder);
      // The function's own scripts need its source, which is not here; only those of dependencies may run.
      await writeFile(join(workshop.folder, 'package.json'), JSON.stringify({ ...manifest, scripts: undefined }, null, 2));
      if (lockName !== null && lock !== null) await writeFile(join(workshop.folder, lockName), lock);
      if (npmrc !== null) await writeFile(join(workshop.folder, '.npmrc'), npmrc);
      await workshop.handOver();
      const end = await workshop.run(node, [await npmCli(node), verb, ...flags]);
      if (end.outcome === 'ok') await mkdir(join(workshop.folder, 'node_modules'), { recursive: true });
      return end;
    },
    advice: (output) =>
      /in sync|EUSAGE/.test(output)
        ? 'Run `npm install` in the function’s folder, so that the lock fits package.json, and deploy again.'
        : '',
  };
}

export async function readPackageJson(folder: string): Promise<PackageJson | null> {
  const text = await readFile(join(folder, 'package.json'), 'utf8').catch(() => null);
  if (text === null) return null;
  try {
    const value: unknown = JSON.parse(text);
    if (value !== null && typeof value === 'object' && !Array.isArray(value)) return value as PackageJson;
    throw new Error('it is not an object');
  } catch (error) {
    throw new HearthError('BuildFailed', `package.json can't be read: ${(error as Error).message}`, { cause: error });
  }
}

function dependsOnAnything(manifest: PackageJson): boolean {
  return (['dependencies', 'optionalDependencies', 'peerDependencies'] as const).some(
    (f) => Object.keys(Object(manifest[f]) as object).length > 0,
  );
}

/** Folders and tarballs in the source that dependencies are taken from. */
function localPackages(manifest: PackageJson): string[] {
  const specs = (['dependencies', 'optionalDependencies'] as const).flatMap((f) =>
    Object.values(Object(manifest[f]) as Record<string, unknown>),
  );
  return specs
    .filter((s) => typeof s === 'string')
    .map((s) => /^(?:file:|link:)?(\.{1,2}\/.*)$|^(?:file:|link:)(.+)$/.exec(s))
    .flatMap((m) => m?.[1] ?? m?.[2] ?? [])
    .filter(within);
}

async function firstExisting<T extends string>(folder: string, names: readonly T[]): Promise<T | null> {
  for (const name of names) if (await exists(join(folder, name))) return name;
  return null;
}

/** npm comes with Node.js: look beside the one that will run the function, then beside our own. */
async function npmCli(node: string): Promise<string> {
  for (const executable of [node, process.execPath]) {
    const prefix = dirname(dirname(await realpath(executable)));
    for (const folder of ['lib/node_modules/npm', 'share/nodejs/npm', 'share/npm']) {
      const path = join(prefix, folder, 'bin', 'npm-cli.js');
      if (await exists(path)) return realpath(path);
    }
  }
  throw new HearthError(
    'BuildFailed',
    `package.json asks for dependencies, but there is no npm beside ${node}. Install npm, or deploy a folder with its node_modules.`,
  );
}
