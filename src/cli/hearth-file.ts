import { readFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import type { Document, LineCounter } from 'yaml';
import { CliError } from './errors.ts';

/** One function of a hearth.yaml, ready to be deployed. */
export interface DeclaredFunction {
  readonly name: string;
  /** Absolute path of its code. */
  readonly folder: string;
  /** Its value in the file, less `code`, as the server takes it. */
  readonly manifest: Readonly<Record<string, unknown>>;
}

export interface HearthFile {
  readonly path: string;
  readonly functions: readonly DeclaredFunction[];
}

/** The file that a command means: `given`, or hearth.yaml here or in a folder above; null when there is none. */
export async function findHearthFile(cwd: string, given: string | undefined): Promise<string | null> {
  if (given !== undefined) return resolve(cwd, given);
  for (let folder = cwd; ; folder = dirname(folder)) {
    for (const name of ['hearth.yaml', 'hearth.yml']) {
      const path = join(folder, name);
      if (await readFile(path).catch(() => null)) return path;
    }
    if (folder === dirname(folder)) return null;
  }
}

/** Reads the file that a command needs. Every error says which line to look at. */
export async function loadHearthFile(cwd: string, given: string | undefined): Promise<HearthFile> {
  const path = await findHearthFile(cwd, given);
  if (path === null) throw new CliError('there is no hearth.yaml here', { fix: '`hearth init` writes one, or name yours with -f' });
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    throw new CliError(`can't read ${path}: ${error.message}`, { fix: 'name another file with -f', cause: error });
  });
  return parseHearthFile(text, path);
}

/** Pure: the text of a hearth.yaml to what it declares. Throws CliError `PATH:LINE:COLUMN: what`. */
export async function parseHearthFile(text: string, path: string): Promise<HearthFile> {
  const { parseDocument, LineCounter } = await import('yaml');
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const place = new Places(path, document, lines);
  const broken = document.errors[0];
  if (broken !== undefined) throw place.error(broken.pos[0], `not valid YAML: ${broken.message}`);
  const root: unknown = document.toJS({ maxAliasCount: 100 });
  if (!isMap(root)) throw place.error(0, 'expected `functions:` with a function below it');
  const functions = root['functions'];
  if (!isMap(functions) || Object.keys(functions).length === 0) throw place.at(['functions'], '`functions` must name at least one function');
  return { path, functions: Object.entries(functions).map(([name, value]) => declared(place, name, value)) };
}

function declared(place: Places, name: string, value: unknown): DeclaredFunction {
  if (!/^[a-zA-Z0-9-_]{1,64}$/.test(name)) {
    throw place.at(['functions', name], `"${name}" can't be a function's name: letters, digits, - and _ only, at most 64`);
  }
  if (!isMap(value)) throw place.at(['functions', name], `functions.${name} must have runtime, handler and code`);
  for (const key of ['runtime', 'handler', 'code']) {
    if (typeof value[key] !== 'string' || value[key] === '') throw place.at(['functions', name, key], `functions.${name}.${key} must be text`);
  }
  const { code, ...manifest } = value;
  return { name, folder: resolve(dirname(place.path), code as string), manifest };
}

/** Turns paths within the document into lines of the file. */
class Places {
  readonly path: string;
  readonly #document: Document;
  readonly #lines: LineCounter;

  constructor(path: string, document: Document, lines: LineCounter) {
    this.path = path;
    this.#document = document;
    this.#lines = lines;
  }

  /** An error at the value of `keys`, or at the nearest thing around it that is there. */
  at(keys: readonly string[], message: string): CliError {
    for (let depth = keys.length; depth > 0; depth--) {
      const node = this.#document.getIn(keys.slice(0, depth), true) as { range?: [number, number, number] } | undefined;
      if (node?.range) return this.error(node.range[0], message);
    }
    return this.error(0, message);
  }

  error(offset: number, message: string): CliError {
    const { line, col } = this.#lines.linePos(offset);
    return new CliError(`${this.path}:${Math.max(1, line)}:${Math.max(1, col)}: ${message}`, { fix: 'correct that line' });
  }
}

function isMap(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
