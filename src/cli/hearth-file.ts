import { readFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import type { Document, LineCounter } from 'yaml';
import { HearthError } from '../errors.ts';
import { CliError } from './errors.ts';

/** One function of a hearth.yaml, ready to be deployed. */
export interface DeclaredFunction {
  readonly name: string;
  /** Absolute path of the file that declares it. */
  readonly file?: string;
  /** Absolute path of its code. */
  readonly folder: string;
  /** Its value in the file, less `code`, as the server takes it. */
  readonly manifest: Readonly<Record<string, unknown>>;
  /** Absolute path of the JSON file with its sample event (`rehearse: PATH`), which becomes part of the manifest. */
  readonly sampleFile?: string;
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
  if (broken?.code === 'DUPLICATE_KEY') throw place.error(broken.pos[0], `${keyAt(text, broken.pos[0])} is there twice`);
  if (broken !== undefined) throw place.error(broken.pos[0], `not valid YAML: ${broken.message}`);
  const root = valueOf(document, place);
  if (!isMap(root)) throw place.error(0, 'expected `functions:` with a function below it');
  const { parseManifestFile } = await import('../model/manifest.ts');
  try {
    const { functions } = parseManifestFile(root);
    const names = Object.keys(functions);
    if (names.length === 0) throw place.at(['functions'], 'functions: must name at least one function');
    return { path, functions: names.map((name) => declared(path, root, name, functions[name]?.code ?? '.')) };
  } catch (error) {
    throw error instanceof HearthError ? place.faults(error) : error;
  }
}

/** The key that begins there, as it is written. */
function keyAt(text: string, offset: number): string {
  return /^[^\s:]+/.exec(text.slice(offset))?.[0] ?? 'a key';
}

/** Aliases are followed here, so their faults (no anchor, too many) come to light here. */
function valueOf(document: Document, place: Places): unknown {
  try {
    return document.toJS({ maxAliasCount: 100 });
  } catch (error) {
    throw place.error(0, `not valid YAML: ${(error as Error).message}`);
  }
}

/** The manifest goes out as it was written: defaults are the server's to fill in. */
function declared(path: string, root: Record<string, unknown>, name: string, code: string): DeclaredFunction {
  const written = (root['functions'] as Record<string, Record<string, unknown>>)[name];
  const { code: _, ...manifest } = written ?? {};
  const { rehearse, ...rest } = manifest;
  const folder = resolve(dirname(path), code);
  if (typeof rehearse !== 'string') return { name, file: path, folder, manifest };
  return { name, file: path, folder, manifest: rest, sampleFile: resolve(dirname(path), rehearse) };
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

  /** One error of all that the schema found, each at its line. */
  faults(error: HearthError): CliError {
    const faults = error.details['faults'];
    const lines = Array.isArray(faults) ? (faults as string[]) : error.message.split('\n');
    const placed = lines.map((line) => ({ line, offset: this.#nearest(this.#keysOf(line)) })).sort((a, b) => a.offset - b.offset);
    const [first = '', ...others] = placed.map(({ line, offset }) => this.error(offset, line).message);
    const fix = others.length === 0 ? 'correct that line' : 'correct those lines';
    return new CliError([first, ...others.map((line) => `       ${line}`)].join('\n'), { fix, cause: error });
  }

  /** An error at the key, or at the nearest thing around it that is there. */
  at(keys: readonly (string | number)[], message: string): CliError {
    return this.error(this.#nearest(keys), message);
  }

  #nearest(keys: readonly (string | number)[]): number {
    for (let depth = keys.length; depth > 0; depth--) {
      const offset = this.#offsetOf(keys.slice(0, depth));
      if (offset !== null) return offset;
    }
    return 0;
  }

  /** Where the key is written, or the item of a list; null when it is not there. */
  #offsetOf(keys: readonly (string | number)[]): number | null {
    const items = this.#itemsOf(keys.slice(0, -1)) as readonly { key?: { value?: unknown } }[];
    const last = keys.at(-1);
    const found = typeof last === 'number' ? items[last] : items.find((pair) => String(pair.key?.value) === last)?.key;
    return (found as { range?: [number, number, number] } | undefined)?.range?.[0] ?? null;
  }

  /** The keys of a fault that begins `functions.detect.triggers[0].objects: …`; one that is written in the file may have dots itself. */
  #keysOf(fault: string): (string | number)[] {
    const keys: (string | number)[] = [];
    let rest = fault.slice(0, Math.max(0, fault.indexOf(': '))).replace('(top)', '');
    while (rest !== '') {
      const [part = '', index] = this.#writtenAt(keys, rest) ?? /^(?:\[(\d+)\]|[^.[\]]+)/.exec(rest) ?? [];
      if (part === '') break;
      keys.push(index === undefined ? part : Number(index));
      rest = rest.slice(part.length).replace(/^\./, '');
    }
    return keys;
  }

  /** The longest of the keys below these that a path begins with; null: none. */
  #writtenAt(keys: readonly (string | number)[], path: string): [string] | null {
    const names = this.#itemsOf(keys).map((pair) => String((pair as { key?: { value?: unknown } } | null)?.key?.value));
    const fitting = names.filter((name) => name !== '' && path.startsWith(name) && /^(?:$|[.[])/.test(path.slice(name.length)));
    const [longest] = fitting.sort((a, b) => b.length - a.length);
    return longest === undefined ? null : [longest];
  }

  #itemsOf(keys: readonly (string | number)[]): readonly unknown[] {
    const holder: unknown = keys.length === 0 ? this.#document.contents : this.#document.getIn(keys, true);
    const items = (holder as { items?: unknown } | null | undefined)?.items;
    return Array.isArray(items) ? items : [];
  }

  error(offset: number, message: string): CliError {
    const { line, col } = this.#lines.linePos(offset);
    return new CliError(`${this.path}:${Math.max(1, line)}:${Math.max(1, col)}: ${message}`, { fix: 'correct that line' });
  }
}

function isMap(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
