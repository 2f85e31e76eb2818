import { candidates, identify } from './interpreters.ts';
import type { Interpreter, InterpreterHost, Language } from './interpreters.ts';

/** A runtime's name taken apart: which interpreter it needs. `release` is Node's major or Python's minor version. */
export interface RuntimeName {
  readonly language: Language;
  /** `20` for nodejs20.x, `3.11` for python3.11. */
  readonly release: string;
}

/** No interpreter here runs the runtime. The message lists what was found and what to do. */
export class InterpreterNotFound extends Error {
  constructor(runtime: string, needed: string, found: readonly Interpreter[]) {
    const list = found.length === 0 ? 'none' : found.map((i) => `${i.version} (${i.path})`).join(', ');
    super(`runtime ${runtime} needs ${needed}, which is not installed here; found: ${list}. Install it, or choose a runtime that is.`);
    this.name = 'InterpreterNotFound';
  }
}

/** Takes a runtime's name apart; null when it is none for Node.js or Python 3. */
export function parseRuntime(runtime: string): RuntimeName | null {
  const node = /^nodejs(\d+)\.x$/.exec(runtime);
  if (node !== null) return { language: 'node', release: node[1]! };
  const python = /^python(3\.\d+)$/.exec(runtime);
  return python === null ? null : { language: 'python', release: python[1]! };
}

/** Lambda's name for what an interpreter runs: `nodejs20.x`, `python3.11`. */
export function runtimeName(interpreter: Interpreter): string {
  const [major, minor] = interpreter.version.split('.');
  return interpreter.language === 'node' ? `nodejs${major}.x` : `python${major}.${minor}`;
}

/**
 * Which installed interpreter runs a runtime. The release must be the very one that the name says: a function that was written for
 * another would fail later and less clearly. Looks when first asked, and remembers what it found for as long as the process lives.
 */
export class Catalogue {
  readonly #host: InterpreterHost;
  readonly #identified = new Map<string, Promise<Interpreter | null>>();
  readonly #resolved = new Map<string, Promise<Interpreter>>();
  readonly #known = new Map<string, Interpreter>();

  constructor(host: InterpreterHost) {
    this.#host = host;
  }

  /** The interpreter for `runtime`. Rejects with InterpreterNotFound; then the next call looks again. */
  resolve(runtime: string): Promise<Interpreter> {
    let resolved = this.#resolved.get(runtime);
    if (resolved === undefined) {
      resolved = this.#find(runtime);
      this.#resolved.set(runtime, resolved);
      resolved.catch(() => {
        this.#resolved.delete(runtime);
        this.#identified.clear(); // it may be installed by the time of the next try
      });
    }
    return resolved;
  }

  /** All interpreters of a language that are installed here, best first. */
  async list(language: Language): Promise<Interpreter[]> {
    const found = new Map<string, Interpreter>();
    for (const path of candidates(this.#host, language)) {
      const interpreter = await this.#identify(language, path);
      if (interpreter !== null && !found.has(interpreter.path)) found.set(interpreter.path, interpreter);
    }
    return [...found.values()];
  }

  /** What was found so far, without asking any: all that is installed once `list` was called for both languages. */
  known(): Interpreter[] {
    return [...this.#known.values()].toSorted((a, b) => a.language.localeCompare(b.language));
  }

  async #find(runtime: string): Promise<Interpreter> {
    const name = parseRuntime(runtime);
    if (name === null) throw new InterpreterNotFound(runtime, 'another driver than this one (Node.js and Python 3)', []);
    const { language, release } = name;
    const fits = (i: Interpreter | null): i is Interpreter => i !== null && `${i.version}.`.startsWith(`${release}.`);
    // Those whose path names the release come first, so that as a rule only one process is started to ask.
    const paths = candidates(this.#host, language);
    const hinted = paths.filter(
      (path) => path === this.#host.execPath || new RegExp(`(^|[^0-9.])${release.replace('.', '\\.')}([^0-9]|$)`).test(path),
    );
    for (const path of new Set([...hinted, ...paths])) {
      const interpreter = await this.#identify(language, path);
      if (fits(interpreter)) return interpreter;
    }
    throw new InterpreterNotFound(runtime, `${language === 'node' ? 'Node.js' : 'Python'} ${release}`, await this.list(language));
  }

  #identify(language: Language, path: string): Promise<Interpreter | null> {
    const key = `${language}:${path}`;
    let identified = this.#identified.get(key);
    if (identified === undefined) {
      identified = identify(this.#host, language, path);
      void identified.then((found) => found !== null && this.#known.set(found.path, found));
      this.#identified.set(key, identified);
    }
    return identified;
  }
}
