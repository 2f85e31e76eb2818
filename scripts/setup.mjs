// Makes a clone ready to run: installs packages and builds, each only when it has to. Node.js built-ins only, since
// nothing else is there yet. `ensure()` is for other scripts; `npm run setup` runs it by itself.
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, lstatSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import process from 'node:process';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { lock } from './setup-lock.mjs';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const SOURCES = ['src', 'test', 'bench'];
const LINES_SHOWN = 25;

/** A step that failed; `fix` says what to do. */
export class SetupError extends Error {
  constructor(message, fix) {
    super(message);
    this.name = 'SetupError';
    this.fix = fix;
  }
}

/** Installs and builds what is missing or stale. Two at once are safe: the second waits, then finds nothing to do. */
export async function ensure({ root = ROOT, stderr = process.stderr } = {}) {
  if (!installIsStale(root) && !buildIsStale(root)) return;
  mkdirSync(join(root, 'dist'), { recursive: true });
  const held = await lock(join(root, 'dist', '.setup-lock'), (pid) =>
    stderr.write(`setup: process ${pid} is at it already, waiting (if it is something else: rm -r dist/.setup-lock)\n`),
  );
  try {
    if (installIsStale(root)) await install(root, stderr);
    if (buildIsStale(root)) await build(root, stderr);
  } finally {
    held.release();
  }
}

/** As `ensure`, for scripts: says what failed and ends the process. */
export async function ensureOrExit() {
  await ensure().catch((error) => {
    if (!(error instanceof SetupError)) throw error;
    process.stderr.write(`error: ${error.message}\nfix: ${error.fix}\n`);
    process.exit(1);
  });
}

/** Whether packages are missing or other than package-lock.json says. A symlink is somebody's own arrangement: left alone. */
export function installIsStale(root = ROOT) {
  const modules = join(root, 'node_modules');
  const info = lstatSync(modules, { throwIfNoEntry: false });
  if (info === undefined) return true;
  if (info.isSymbolicLink()) return false;
  if (readOr(join(modules, '.hearth-setup')) === lockDigest(root)) return false;
  // npm writes its own record when it has finished: somebody ran `npm ci` themselves.
  const record = statSync(join(modules, '.package-lock.json'), { throwIfNoEntry: false });
  return record === undefined || record.mtimeMs < statSync(join(root, 'package-lock.json')).mtimeMs;
}

/** Whether any source was added, removed or changed since the last build. */
export function buildIsStale(root = ROOT) {
  return readOr(join(root, 'dist', '.built')) !== sourceDigest(root);
}

async function install(root, stderr) {
  const args = ['ci', '--ignore-scripts', '--include=dev', '--include=optional', '--no-audit', '--no-fund'];
  const npm = process.platform === 'win32' ? 'npm.cmd' : 'npm';
  await step(
    stderr,
    'installing packages (npm ci)',
    () => run(root, npm, args),
    (error) =>
      error.code === 'ENOENT'
        ? new SetupError('npm is not on the PATH', 'install Node.js with npm: https://nodejs.org')
        : new SetupError(`npm ci failed:\n${error.message}`, 'is the registry in reach? then `npm ci --ignore-scripts` shows all of it'),
  );
  writeFileSync(join(root, 'node_modules', '.hearth-setup'), lockDigest(root));
}

async function build(root, stderr) {
  const stamp = join(root, 'dist', '.built');
  rmSync(stamp, { force: true });
  const digest = sourceDigest(root); // before, so that what changes meanwhile is built next time
  const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
  await step(
    stderr,
    'building (tsc)',
    () => run(root, process.execPath, [tsc, '-p', 'tsconfig.json']),
    (error) =>
      new SetupError(
        `the build failed:\n${error.message}`,
        'correct what it names, or `git stash` your changes; if packages are missing: npm ci --ignore-scripts',
      ),
  );
  for (const folder of SOURCES) removeOrphans(join(root, 'dist', folder), join(root, folder));
  writeFileSync(stamp, digest);
}

/** One line for a file; on a terminal the line is completed when the step is done. */
async function step(stderr, title, work, explain) {
  const from = performance.now();
  stderr.write(stderr.isTTY ? `setup: ${title} …` : `setup: ${title}\n`);
  try {
    await work();
  } catch (error) {
    if (stderr.isTTY) stderr.write(' failed\n');
    throw explain(error);
  }
  const seconds = ((performance.now() - from) / 1000).toFixed(1);
  stderr.write(stderr.isTTY ? ` ${seconds} s\n` : `setup: done in ${seconds} s\n`);
}

/** Rejects with the first lines of what it printed: both npm and tsc say first what is wrong, and last how they are used. */
function run(cwd, command, args) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      cwd,
      stdio: ['ignore', 'pipe', 'pipe'],
      shell: process.platform === 'win32' && command.endsWith('.cmd'),
    });
    let said = '';
    const keep = (chunk) => (said = (said + chunk).slice(0, 64 * 1024));
    child.stdout.setEncoding('utf8').on('data', keep);
    child.stderr.setEncoding('utf8').on('data', keep);
    child.on('error', reject);
    child.on('close', (code, signal) => {
      if (code === 0) return resolve();
      const lines = said
        .trimEnd()
        .split('\n')
        .filter((line) => !/^npm (?:warn|error$)/.test(line.trimEnd()));
      reject(
        new Error(
          `${lines.slice(0, LINES_SHOWN).join('\n') || '(it printed nothing)'}\n(${signal === null ? `exit code ${code}` : `ended by ${signal}`})`,
        ),
      );
    });
  });
}

/** What a source that is gone had been built to: it would go on being run and tested. */
function removeOrphans(built, source) {
  if (!existsSync(built)) return;
  for (const entry of readdirSync(built, { withFileTypes: true, recursive: true })) {
    const folder = entry.parentPath ?? entry.path;
    const path = join(folder, entry.name);
    const original = join(source, path.slice(built.length)).replace(/\.js(?:\.map)?$/, '.ts');
    if (entry.isFile() && /\.js(?:\.map)?$/.test(entry.name) && !existsSync(original)) rmSync(path, { force: true });
  }
}

function lockDigest(root) {
  return createHash('sha256')
    .update(readFileSync(join(root, 'package-lock.json')))
    .digest('hex');
}

/** Of names, sizes and times, not of contents: a thousand files take milliseconds. */
function sourceDigest(root) {
  const hash = createHash('sha256');
  const note = (path) => {
    const { size, mtimeMs } = statSync(path);
    hash.update(`${relative(root, path)}\0${size}\0${mtimeMs}\n`);
  };
  for (const path of ['tsconfig.json', 'package-lock.json']) note(join(root, path));
  for (const folder of SOURCES) for (const path of sourcesIn(join(root, folder))) note(path);
  return hash.digest('hex');
}

function sourcesIn(folder) {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { withFileTypes: true })
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .flatMap((entry) => {
      const path = join(folder, entry.name);
      if (entry.isDirectory()) return entry.name === 'node_modules' ? [] : sourcesIn(path);
      return /\.(?:ts|mts|json)$/.test(entry.name) ? [path] : [];
    });
}

function readOr(path) {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return null;
  }
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  await ensureOrExit();
  process.stderr.write('setup: ready\n');
}
