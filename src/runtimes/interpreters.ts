import { execFile } from 'node:child_process';
import { readdirSync, realpathSync } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';

export type Language = 'node' | 'python';

/** An interpreter that is installed here and answered for itself. */
export interface Interpreter {
  readonly language: Language;
  /** `20.20.2` */
  readonly version: string;
  /** The executable itself, all links and version-switching scripts resolved. */
  readonly path: string;
  /** Directories it needs to see to run: its installation and, for a virtual environment, that of its base. */
  readonly roots: readonly string[];
}

/** What discovery looks at; an argument, so that a test can make up a machine. */
export interface InterpreterHost {
  readonly execPath: string;
  readonly nodeVersion: string;
  readonly home: string;
  /** Directories of PATH, in order. */
  readonly path: readonly string[];
  /** Names in a directory; empty when there is none. */
  list(directory: string): readonly string[];
  /** Resolves links; null when there is no such file. */
  real(path: string): string | null;
  /** Runs a program and gives its output; rejects when it fails or takes longer than 10 s. */
  ask(path: string, args: readonly string[]): Promise<string>;
}

/** This machine. Once `ended` is aborted no interpreter is asked any more, and those that were are ended. */
export function thisMachine(env: Readonly<Record<string, string | undefined>>, ended?: AbortSignal): InterpreterHost {
  return {
    execPath: process.execPath,
    nodeVersion: process.versions.node,
    home: env['HOME'] ?? homedir(),
    path: (env['PATH'] ?? '').split(delimiter).filter((d) => d !== ''),
    list(directory) {
      try {
        return readdirSync(directory).toSorted();
      } catch {
        return [];
      }
    },
    real(path) {
      try {
        return realpathSync(path);
      } catch {
        return null;
      }
    },
    ask: (path, args) =>
      new Promise((resolve, reject) => {
        const options = { timeout: 10_000, signal: ended, env: { PATH: env['PATH'] ?? '', HOME: env['HOME'] ?? '' } };
        execFile(path, args, options, (error, stdout) => (error === null ? resolve(stdout) : reject(error)));
      }),
  };
}

/** Paths where an interpreter of the language may be, the user's own choice (PATH) first; unresolved and unchecked. */
export function candidates(host: InterpreterHost, language: Language): string[] {
  const usual = ['/usr/local/bin', '/usr/bin', '/opt/homebrew/bin'];
  const bins = [...host.path, ...usual];
  const found: string[] = [];
  if (language === 'node') {
    found.push(host.execPath);
    for (const bin of bins) found.push(join(bin, 'node'));
    for (const versions of ['.nvm/versions/node', '.local/share/fnm/node-versions', '.volta/tools/image/node']) {
      const parent = join(host.home, versions);
      for (const name of host.list(parent).toReversed())
        found.push(join(parent, name, 'bin/node'), join(parent, name, 'installation/bin/node'));
    }
  } else {
    for (const bin of bins) {
      const names = host.list(bin).filter((name) => /^python3(\.\d+)?$/.test(name));
      for (const name of names) found.push(join(bin, name));
    }
    for (const versions of ['.pyenv/versions', '.local/share/uv/python', '.asdf/installs/python']) {
      const parent = join(host.home, versions);
      for (const name of host.list(parent).toReversed()) found.push(join(parent, name, 'bin/python3'));
    }
  }
  return [...new Set(found)].filter((path) => host.real(path) !== null);
}

const ASK_PYTHON = 'import sys,json;print(json.dumps(["%d.%d.%d"%sys.version_info[:3],sys.executable,sys.prefix,sys.base_prefix]))';
const ASK_NODE = 'JSON.stringify([process.versions.node,process.execPath])';

/** What the executable says of itself; null when it is none of the language, can't run, or is too old. A version switcher's script answers for the interpreter it leads to. */
export async function identify(host: InterpreterHost, language: Language, path: string): Promise<Interpreter | null> {
  try {
    if (language === 'node' && path === host.execPath) return interpreter(host, language, [host.nodeVersion, path]);
    const answer = await host.ask(path, language === 'node' ? ['-p', ASK_NODE] : ['-I', '-c', ASK_PYTHON]);
    return interpreter(host, language, JSON.parse(answer) as string[]);
  } catch {
    return null; // a broken installation is as good as none; the catalogue's error lists those that work
  }
}

/** The oldest minor version of Python 3 that the shim runs on. */
const OLDEST_PYTHON = 7;

function interpreter(host: InterpreterHost, language: Language, [version, executable, ...prefixes]: string[]): Interpreter | null {
  if (version === undefined || executable === undefined || !/^\d+\.\d+\.\d+$/.test(version)) return null;
  if (language === 'python' && Number(version.split('.')[1]) < OLDEST_PYTHON) return null;
  const real = host.real(executable);
  if (real === null) return null;
  // A virtual environment is recognised by the path it is started by, so a link into its base is not resolved.
  const path = prefixes.length === 2 && prefixes[0] !== prefixes[1] ? executable : real;
  const roots = [...new Set([dirname(dirname(real)), ...prefixes])];
  return { language, version, path, roots };
}
