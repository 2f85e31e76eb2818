import { createHash } from 'node:crypto';
import { chmod, chown, copyFile, cp, lchown, mkdir, mkdtemp, readdir, realpath, rename, rm, stat } from 'node:fs/promises';
import { homedir, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { HearthError } from '../errors.ts';
import type { Clock } from '../lib/clock.ts';
import type { Unremoved } from './folders.ts';
import { runTool, type ToolEnd, type ToolRun } from './tool.ts';
import { toolEnvironment } from './tool-environment.ts';

const NOBODY = 65534;

/** Where a package manager may work: a folder it can write, a home, a cache. Nothing of it stays but what is taken out. */
export interface Workshop extends AsyncDisposable {
  /** The folder to install into; empty at first. */
  readonly folder: string;
  /** Hands files that were just put into `folder` to the user that the tool runs as. */
  handOver(): Promise<void>;
  /** Runs `executable ARGS` in the folder. */
  run(executable: string, args: readonly string[]): Promise<ToolEnd>;
  /** Moves the folder to a path on the artifacts' file system: owned by the server, readable by all. */
  takeOut(to: string): Promise<void>;
}

export interface WorkshopOptions {
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly timeoutMs: number;
  /** Downloads kept between builds; used when the server is root, else the user's own caches are. */
  readonly cache: string;
}

/**
 * Opens a workshop. When the server is root, tools run as nobody: in the system's temporary folder (the server's own may not be
 * reachable for nobody), in mount and process namespaces of their own where the kernel gives them.
 */
export async function openWorkshop(options: WorkshopOptions): Promise<Workshop> {
  const asNobody = process.platform === 'linux' && process.getuid?.() === 0;
  const base = await temporary((folder) => mkdtemp(join(folder, namePrefix(options.cache))));
  const paths = {
    base,
    folder: join(base, 'work'),
    home: join(base, 'home'),
    cache: join(base, 'cache'),
    interpreter: join(base, 'interpreter'),
  };
  for (const path of [paths.folder, paths.home, paths.cache, paths.interpreter]) await mkdir(path);
  if (asNobody) await furnish(paths, options.cache);
  return {
    folder: paths.folder,
    handOver: async () => {
      if (asNobody) await give(paths.folder, NOBODY);
    },
    run: async (executable, args) => {
      const env = toolEnvironment(process.env, asNobody ? paths : null);
      const plain = { cwd: paths.folder, env, signal: options.signal, timeoutMs: options.timeoutMs };
      if (!asNobody) return runMortal({ ...plain, command: executable, args, uid: null }, options.clock);
      return runAsNobody({ ...plain, paths, cache: options.cache, executable, args }, options.clock);
    },
    takeOut: async (to) => {
      await tidy(paths.folder);
      await moveAcross(paths.folder, to);
    },
    [Symbol.asyncDispose]: () => rm(base, { recursive: true, force: true }),
  };
}

/** Removes the workshops of a server that was killed; the cache's path tells whose they are. What can't be removed (another user's, by the name) is told, and stays. */
export async function clearWorkshops(cache: string, unremoved: Unremoved): Promise<void> {
  const { folder, names } = await temporary(async (path) => ({ folder: path, names: await readdir(path) }));
  for (const name of names) {
    if (!name.startsWith(namePrefix(cache))) continue;
    const path = join(folder, name);
    // Retried: a tool that died with its server may have been writing a moment ago.
    await rm(path, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 }).catch((error: unknown) => unremoved(error, path));
  }
}

/** What `use` makes of the system's temporary folder. Throws ServiceUnavailable where there is none, or it is closed. */
async function temporary<T>(use: (folder: string) => Promise<T>): Promise<T> {
  try {
    return await use(await realpath(tmpdir()));
  } catch (error) {
    const what = `the temporary folder ${tmpdir()} can't be used: ${(error as Error).message}`;
    throw new HearthError('ServiceUnavailable', `${what}. It must be there and writable, or the server is started with another TMPDIR.`, {
      cause: error,
    });
  }
}

function namePrefix(cache: string): string {
  return `hearth-build-${createHash('sha256').update(cache).digest('hex').slice(0, 12)}-`;
}

interface Paths {
  readonly base: string;
  readonly folder: string;
  readonly home: string;
  readonly cache: string;
  readonly interpreter: string;
}

/** Gives nobody a home with the registries' settings of the server's user, and a cache. */
async function furnish(paths: Paths, cache: string): Promise<void> {
  await mkdir(join(paths.home, '.config', 'pip'), { recursive: true });
  const settings = [
    ['.npmrc', '.npmrc'],
    ['.config/pip/pip.conf', '.config/pip/pip.conf'],
    ['.pip/pip.conf', '.config/pip/pip.conf'],
  ] as const;
  for (const [from, to] of settings) await copyFile(join(homedir(), from), join(paths.home, to)).catch(() => undefined);
  await mkdir(cache, { recursive: true });
  await chown(cache, NOBODY, NOBODY);
  await chmod(paths.base, 0o755);
  for (const path of [paths.home, paths.cache, paths.folder]) {
    await give(path, NOBODY);
    await chmod(path, 0o700);
  }
}

interface NobodyRun {
  readonly paths: Paths;
  readonly cache: string;
  readonly executable: string;
  readonly args: readonly string[];
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
  readonly timeoutMs: number;
}

/** Binds the cache and, if nobody can't reach it where it is, the interpreter; then becomes nobody without any privilege. */
const SCRIPT = `set -e
while [ "$1" != "--" ]; do mount --rbind "$1" "$2"; shift 2; done
shift
exec setpriv --reuid=${NOBODY} --regid=${NOBODY} --clear-groups --no-new-privs --bounding-set=-all --pdeathsig=KILL "$@"`;

async function runAsNobody(run: NobodyRun, clock: Clock): Promise<ToolEnd> {
  const base = { cwd: run.cwd, env: run.env, signal: run.signal, timeoutMs: run.timeoutMs };
  const namespaces = ['--mount', '--propagation', 'private', '--pid', '--fork', '--kill-child'];
  const probe = await runTool({ ...base, command: 'unshare', args: [...namespaces, 'true'], uid: null }, clock);
  const real = await realpath(run.executable);
  const prefix = dirname(dirname(real));
  const reachable = await reachableByAll(real);
  if (probe.outcome === 'ok') {
    const mounts = [run.cache, run.paths.cache, ...(reachable ? [] : [prefix, run.paths.interpreter])];
    const moved = (path: string): string =>
      reachable || !path.startsWith(`${prefix}/`) ? path : join(run.paths.interpreter, path.slice(prefix.length));
    const command = [real, ...run.args].map(moved);
    const script = ['unshare', ...namespaces, 'sh', '-c', SCRIPT, 'sh', ...mounts, '--', ...command];
    // A shared libpython is looked for at the old place, and in the system's, where another build of it may be.
    const env = reachable ? run.env : { ...run.env, LD_LIBRARY_PATH: join(run.paths.interpreter, 'lib') };
    return runTool({ ...base, env, command: 'setpriv', args: ['--pdeathsig=KILL', ...script], uid: null }, clock); // dies with the server
  }
  if (!reachable) {
    const output = `${real} is in a folder that only its owner may enter, and this machine gives no mount namespace to show it to an unprivileged user. Install the interpreter where every user can read it, or run hearth as an ordinary user.`;
    return { outcome: 'failed', output };
  }
  return runMortal({ ...base, command: real, args: run.args, uid: NOBODY }, clock);
}

/** Runs a tool that dies with the server, where util-linux can see to that. */
async function runMortal(run: ToolRun, clock: Clock): Promise<ToolEnd> {
  const probe = await runTool({ ...run, command: 'setpriv', args: ['--pdeathsig=KILL', 'true'] }, clock);
  if (probe.outcome !== 'ok') return runTool(run, clock);
  return runTool({ ...run, command: 'setpriv', args: ['--pdeathsig=KILL', run.command, ...run.args] }, clock);
}

/** Whether every user may enter all folders on the way and read the file. */
async function reachableByAll(path: string): Promise<boolean> {
  if (((await stat(path)).mode & 0o5) !== 0o5) return false;
  for (let at = dirname(path); ; at = dirname(at)) {
    if (((await stat(at)).mode & 0o1) === 0) return false;
    if (at === dirname(at)) return true;
  }
}

async function give(path: string, uid: number): Promise<void> {
  await lchown(path, uid, uid);
  for (const entry of await readdir(path, { recursive: true, withFileTypes: true }))
    await lchown(join(entry.parentPath, entry.name), uid, uid);
}

/** The server's own, readable by all, no special bits, whatever a package brought along. */
async function tidy(folder: string): Promise<void> {
  const uid = process.getuid?.() === 0 ? 0 : null;
  const all = [{ path: folder, directory: true, link: false }];
  for (const e of await readdir(folder, { recursive: true, withFileTypes: true })) {
    all.push({ path: join(e.parentPath, e.name), directory: e.isDirectory(), link: e.isSymbolicLink() });
  }
  for (const { path, directory, link } of all) {
    if (uid !== null) await lchown(path, uid, uid);
    if (link) continue;
    const executable = directory || ((await stat(path)).mode & 0o111) !== 0;
    await chmod(path, executable ? 0o755 : 0o644);
  }
}

async function moveAcross(from: string, to: string): Promise<void> {
  try {
    await rename(from, to);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EXDEV') throw error;
    // Times are kept because Python's compiled files are checked by them.
    await cp(from, to, { recursive: true, preserveTimestamps: true, verbatimSymlinks: true });
  }
}
