import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import { stop } from 'esbuild';
import { HearthError } from '../errors.ts';
import { bundle, typescriptEntry } from './typescript.ts';

const exec = promisify(execFile);
let base: string;
let made = 0;

before(async () => {
  base = await mkdtemp(join(tmpdir(), 'hearth-typescript-'));
});

after(async () => {
  await stop();
  await rm(base, { recursive: true, force: true });
});

async function folderOf(files: Record<string, string>): Promise<string> {
  const folder = join(base, String(made++));
  for (const [name, content] of Object.entries(files)) {
    await mkdir(dirname(join(folder, name)), { recursive: true });
    await writeFile(join(folder, name), content);
  }
  return folder;
}

async function bundled(files: Record<string, string>, handler = 'index.handler'): Promise<string> {
  const folder = await folderOf(files);
  const entry = await typescriptEntry(folder, handler);
  assert.ok(entry !== null);
  await bundle(folder, entry, 'nodejs20.x');
  return folder;
}

async function run(folder: string, module: string): Promise<string> {
  const script = `import(${JSON.stringify(join(folder, module))}).then(async (m) => process.stdout.write(String(await (m.handler ?? m.default.handler)())), (e) => process.stdout.write(e.stack))`;
  return (await exec(process.execPath, ['--enable-source-maps', '-e', script])).stdout;
}

test('the entry is the file the handler names, unless there is JavaScript', async () => {
  assert.equal(await typescriptEntry(await folderOf({ 'src/app.mts': '' }), 'src/app.handler'), 'src/app.mts');
  assert.equal(await typescriptEntry(await folderOf({ 'index.ts': '', 'index.js': '' }), 'index.handler'), null);
  assert.equal(await typescriptEntry(await folderOf({ 'other.ts': '' }), 'index.handler'), null);
});

test('own files are bundled, packages stay outside, top-level await works, data files stay', async () => {
  const folder = await bundled(
    {
      'src/index.ts':
        'import { name } from "./name.ts"; import dep from "dep"; const late = await Promise.resolve("late"); export const handler = async (): Promise<string> => `${name} ${dep} ${late}`;',
      'src/name.ts': 'export const name: string = "own";',
      'node_modules/dep/index.js': 'module.exports = "package";',
      'data.txt': 'x',
    },
    'src/index.handler',
  );
  assert.deepEqual(await readdir(join(folder, 'src')), ['index.mjs', 'index.mjs.map']);
  assert.ok((await readdir(folder)).includes('data.txt'));
  assert.equal(await run(folder, 'src/index.mjs'), 'own package late');
});

test('the format follows package.json, and else the syntax of the file', async () => {
  const esm = 'export const handler = async () => typeof import.meta.url;';
  assert.equal(await run(await bundled({ 'index.ts': esm, 'package.json': '{"type":"commonjs"}' }), 'index.cjs'), 'undefined');
  assert.equal(await run(await bundled({ 'index.ts': esm, 'package.json': '{"type":"module"}' }), 'index.mjs'), 'string');
  assert.equal(await run(await bundled({ 'index.ts': 'exports.handler = async () => __filename.slice(-9);' }), 'index.cjs'), 'index.cjs');
});

test('CommonJS among own files may require built-in modules', async () => {
  const folder = await bundled({
    'index.ts': 'import lib from "./lib.cjs"; export const handler = async () => lib.sep;',
    'lib.cjs': 'const path = require("node:path"); module.exports = { sep: path.sep };',
  });
  assert.equal(await run(folder, 'index.mjs'), '/');
});

test('a stack trace names the line of the TypeScript', async () => {
  const folder = await bundled({
    'index.ts': '// one\n// two\nexport const handler = async (): Promise<void> => {\n  throw new Error("where");\n};\n',
  });
  assert.match(await readFile(join(folder, 'index.mjs.map'), 'utf8'), /index\.ts/);
  const script = `import(${JSON.stringify(join(folder, 'index.mjs'))}).then((m) => m.handler()).catch((e) => process.stdout.write(e.stack))`;
  assert.match((await exec(process.execPath, ['--enable-source-maps', '-e', script])).stdout, /index\.ts:4/);
});

test('what can not be bundled is BuildFailed with the bundler’s words', async () => {
  await assert.rejects(bundled({ 'index.ts': 'export const handler = (;' }), (error: unknown) => {
    assert.ok(error instanceof HearthError);
    assert.equal(error.code, 'BuildFailed');
    assert.match(error.message, /Unexpected ";" \(index\.ts:1\)/);
    assert.match(String(error.details['output']), /index\.ts:1:\d+/);
    return true;
  });
  await assert.rejects(bundled({ 'index.ts': 'import x from "./missing.ts"; export const handler = () => x;' }), {
    code: 'BuildFailed',
    message: /missing\.ts/,
  });
  const outside = await folderOf({ 'secret.json': '{"secret": 1}' });
  await assert.rejects(
    bundled({ 'index.ts': `import x from ${JSON.stringify(join(outside, 'secret.json'))}; export const handler = () => x;` }),
    {
      code: 'BuildFailed',
      message: /outside of the function's folder/,
    },
  );
});
