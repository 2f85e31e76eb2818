import { readFile } from 'node:fs/promises';
import type { DeclaredFunction } from './hearth-file.ts';
import { listFiles, type PackagedFile } from './package-folder.ts';

/** An init phase that failed, in the terms of who wrote the function. */
export interface InitFailure {
  /** What it said, with paths as they are in the function's folder. */
  readonly text: string;
  /** What to do about it; null where the text alone says it. */
  readonly fix: string | null;
}

/** Where a server keeps the code that runs: nothing that the author has ever seen. */
const UNPACKED = /(?:file:\/\/)?\/[^'"\n]*?\/artifacts\/code\/[0-9a-f]{64}\/root\//g;
/** Node.js's list of who asked for a module: the server's own files, at its end. */
const REQUIRE_STACK = /\nRequire stack:(?:\n- [^\n]+?\.[cm]?js)+/;

/** What is found, or not, in the function's folder decides what the fix is, so the folder is looked at once more. */
export async function explainInitFailure(raw: string, { folder, manifest }: DeclaredFunction): Promise<InitFailure> {
  const files = await listFiles(folder).catch(() => []);
  const { handler: named } = manifest;
  const handler = typeof named === 'string' ? named : '';
  const text = raw.replace(REQUIRE_STACK, '').replaceAll(UNPACKED, '');
  const fix =
    missingModule(raw, { folder, handler, files }) ??
    badHandler(raw, handler) ??
    (/Runtime\.InterpreterNotFound/.test(raw) ? 'correct `runtime:` in hearth.yaml: `hearth status` lists those that can run here' : null);
  if (!/Runtime\.UserCodeSyntaxError/.test(raw) || /line \d/.test(raw)) return { text, fix };
  const place = await firstSyntaxError(files);
  return place === null ? { text, fix } : { text: `${text} (${place})`, fix };
}

interface Where {
  readonly folder: string;
  readonly handler: string;
  readonly files: readonly PackagedFile[];
}

function missingModule(raw: string, where: Where): string | null {
  const missing = /Cannot find (?:module|package) '([^']+)'|No module named '([^']+)'/.exec(raw);
  if (missing === null) return null;
  const [, node, python] = missing;
  const name = node ?? python ?? '';
  const own = name.replace(UNPACKED, '');
  const file = where.handler.replace(/\.[^./]*$/, '');
  if (name === file || name === file.replaceAll('/', '.')) return handlerFile(file, where);
  if (own !== name) return `put ${own} into ${where.folder}, where .hearthignore does not leave it out, or correct the import`;
  if (name.startsWith('.')) return `correct the import: paths begin at the file that has it`;
  if (python !== undefined) {
    const wanted = PYPI[name.split('.')[0] ?? ''] ?? `what has ${name}`;
    return moduleElsewhere(name, where) ?? `add ${wanted} to requirements.txt in ${where.folder}, and deploy again`;
  }
  const packageName = name.split('/', name.startsWith('@') ? 2 : 1).join('/');
  return `add ${packageName} to the dependencies in package.json in ${where.folder} (\`npm install --ignore-scripts ${packageName}\` there), and deploy again`;
}

/** A module that the function has, but not where Python looks: the root of its folder, wherever the handler's file is. */
function moduleElsewhere(name: string, { folder, files }: Where): string | null {
  const own = name.split('.')[0] ?? '';
  for (const end of [`/${own}.py`, `/${own}/__init__.py`]) {
    const found = files.find((f) => f.path.endsWith(end));
    if (found === undefined) continue;
    const beside = found.path.slice(0, -end.length);
    const imported = [...beside.split('/'), own].join('.');
    return `import ${imported}, since modules are found from ${folder}, or set PYTHONPATH: ${beside} in its environment, and deploy again`;
  }
  return null;
}

/** `handler: index.handler` is a file and a name of what it exports. */
function handlerFile(file: string, { folder, handler, files }: Where): string {
  const there = files.map((f) => f.path).filter((path) => /\.(?:[cm]?[jt]s|py)$/.test(path));
  const few = there.slice(0, 5).join(', ') + (there.length > 5 ? ', …' : '');
  return `correct \`handler: ${handler}\` or \`code:\` in hearth.yaml: there is no file ${file} in ${folder}${few === '' ? '' : `, but ${few}`}`;
}

function badHandler(raw: string, handler: string): string | null {
  if (/Runtime\.MalformedHandlerName|Bad handler/.test(raw))
    return `write \`handler:\` as FILE.FUNCTION in hearth.yaml, such as index.handler, not ${handler}`;
  if (/Runtime\.HandlerNotFound/.test(raw)) return `export the handler, or correct \`handler: ${handler}\` in hearth.yaml`;
  return null;
}

/** Modules whose package is called otherwise. */
const PYPI: Readonly<Record<string, string>> = {
  PIL: 'Pillow',
  cv2: 'opencv-python-headless',
  skimage: 'scikit-image',
  sklearn: 'scikit-learn',
  yaml: 'PyYAML',
  psycopg: 'psycopg[binary]',
  ...Object.fromEntries(
    ['boto3', 'numpy', 'onnxruntime', 'pandas', 'requests', 'scipy', 'torch', 'torchvision', 'ultralytics'].map((n) => [n, n]),
  ),
};

/** Larger ones are made by programs. */
const MOST_BYTES = 1_000_000;

/** `index.mjs:3:14: what is wrong`: Node.js does not tell where an ES module can't be read. */
async function firstSyntaxError(files: readonly PackagedFile[]): Promise<string | null> {
  const { transform } = await import('esbuild');
  for (const { path, absolute } of files.filter((f) => /\.[cm]?js$/.test(f.path) && f.bytes <= MOST_BYTES)) {
    const failed = await transform(await readFile(absolute, 'utf8'), { loader: 'js', logLevel: 'silent' }).then(
      () => null,
      (error: { errors?: { text: string; location: { line: number; column: number } | null }[] }) => error.errors?.[0] ?? null,
    );
    if (failed !== null) return `${path}:${failed.location?.line ?? 1}:${(failed.location?.column ?? 0) + 1}: ${failed.text}`;
  }
  return null;
}
