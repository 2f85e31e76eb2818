import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { REPOSITORY } from './examples-folder.ts';

const run = promisify(execFile);
const KEPT = join(REPOSITORY, '.test-packages');
const LIMIT_MS = 200_000;
const BUILD_MS = 420_000;

/** A folder as a deployment's dependencies are laid out (`node_modules` or `python` within), or why it can't be had. */
export type Packages = { readonly root: string; readonly missing: null } | { readonly root: null; readonly missing: string };

/** Packages of npm in exact versions, installed once and kept; no install script runs. */
export function npmPackages(dependencies: Readonly<Record<string, string>>): Promise<Packages> {
  return packages('npm', dependencies, async (folder) => {
    await writeFile(join(folder, 'package.json'), JSON.stringify({ private: true, dependencies }));
    const quiet = ['--ignore-scripts', '--no-audit', '--no-fund', '--fetch-retries=1'];
    await run('npm', ['install', ...quiet], { cwd: folder, timeout: LIMIT_MS });
  });
}

/** The same of packages that compile a library when they are installed, against the headers beside this Node.js; takes a minute or two the first time. */
export function builtNpmPackages(dependencies: Readonly<Record<string, string>>): Promise<Packages> {
  return packages('built', dependencies, async (folder) => {
    await writeFile(join(folder, 'package.json'), JSON.stringify({ private: true, dependencies }));
    // Whatever npm was told that runs these tests.
    const env = { ...process.env, npm_config_nodedir: dirname(dirname(process.execPath)) };
    await run('npm', ['install', '--no-audit', '--no-fund', '--fetch-retries=1', '--ignore-scripts=false'], {
      cwd: folder,
      timeout: BUILD_MS,
      env,
      maxBuffer: 64 << 20,
    });
  });
}

/** Packages of PyPI in exact versions for the tests' Python, installed once and kept; nothing is built. */
export function pythonPackages(python: string, requirements: Readonly<Record<string, string>>): Promise<Packages> {
  return packages('python', requirements, async (folder) => {
    const wanted = Object.entries(requirements).map(([name, version]) => `${name}==${version}`);
    const quiet = ['--quiet', '--retries', '1', '--only-binary', ':all:', '--disable-pip-version-check'];
    await run(python, ['-m', 'pip', 'install', ...quiet, '--target', join(folder, 'python'), ...wanted], { timeout: LIMIT_MS });
  });
}

/** Made aside and moved when complete: two test files may want the same at once, and either may be killed. */
async function packages(
  kind: string,
  wanted: Readonly<Record<string, string>>,
  install: (folder: string) => Promise<void>,
): Promise<Packages> {
  const name = Object.keys(wanted).join('+').replaceAll('/', '-').slice(0, 60);
  const digest = createHash('sha256')
    .update(JSON.stringify([kind, process.arch, wanted]))
    .digest('hex');
  const root = join(KEPT, `${kind}-${name}-${digest.slice(0, 8)}`);
  if (existsSync(root)) return { root, missing: null };
  await mkdir(KEPT, { recursive: true });
  const folder = await mkdtemp(join(KEPT, 'making-'));
  try {
    await install(folder);
    await chmod(folder, 0o755); // functions run as users of their own
    await rename(folder, root).catch((error: unknown) => {
      if (!existsSync(root)) throw error;
    });
    return { root, missing: null };
  } catch (error) {
    const said = (error as { stderr?: string }).stderr?.trim().split('\n').at(-1);
    return { root: null, missing: `${Object.keys(wanted).join(', ')} can't be installed: ${said ?? String(error)}` };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
